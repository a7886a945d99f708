/** What must arrive of a record: worked out from what the sandbox holds, without the wallet's help. */
import { expect } from 'vitest';
import { paramsOf, patientsOf } from '../../sandbox/fhir/params.js';
import type { Json } from '../../sandbox/fhir/record.js';
import { permits } from '../../sandbox/oauth/scopes.js';
import type { Sandbox } from '../../sandbox/server.js';
import { systems } from '../../sandbox/systems.js';

export interface Whose {
	system: string;
	username: string;
	/** As granted. */
	scope: string;
}

/** How an address or a reference names something on this server. */
function nameOf(link: unknown, base: string): string | undefined {
	if (typeof link !== 'string') return undefined;
	const path = link.startsWith(`${base}/`) ? link.slice(base.length + 1) : link;
	return /^[A-Za-z]+\/[A-Za-z0-9.-]+(?=$|\/_history\/)/.exec(path)?.[0];
}

/** Every value of a member of that name, however deep. */
function* values(json: unknown, member: string): Generator<unknown> {
	if (Array.isArray(json)) for (const one of json) yield* values(one, member);
	else if (typeof json === 'object' && json !== null)
		for (const [name, value] of Object.entries(json)) {
			if (name === member) yield value;
			yield* values(value, member);
		}
}

/** A Binary is its media type and octets, whatever it was fetched as; anything else is its text. */
export function essence(text: string): string {
	if (!text.startsWith('{"resourceType":"Binary"')) return text;
	// DSTU2 calls it `content`.
	const { contentType, data, content } = JSON.parse(text) as { contentType: string; data?: string; content?: string };
	return `${contentType} ${data ?? content}`;
}

/**
 * By `Type/id`: what is about the patient and can be searched for, what that refers to, what this refers to in turn, and
 * the documents. Only what the scopes cover.
 */
export function truth(sandbox: Sandbox, { system, username, scope }: Whose): Map<string, string> {
	const patientId = sandbox.patientId(system, username);
	const base = `${sandbox.origin}/${system}/fhir`;
	const held = new Map([...sandbox.resources(system, username)].map((one) => [`${one.type}/${one.id}`, one]));
	const granted = (type: string, how: 'read' | 'search') => permits(scope.split(' '), type, how);
	const wanted = new Map<string, string>();
	let level: Json[] = [];
	const take = (name: string | undefined) => {
		const one = name === undefined ? undefined : held.get(name);
		if (!name || !one || wanted.has(name) || !granted(one.type, 'read')) return;
		const json = JSON.parse(one.text) as Json;
		const owners = patientsOf(json);
		if (owners.length > 0 && !owners.includes(patientId)) return;
		wanted.set(name, essence(one.text));
		level.push(json);
	};
	const params = paramsOf(systems.find(({ id }) => id === system)!.fhir.version);
	const searchable = (type: string) =>
		['patient', 'subject', 'beneficiary'].some((param) => param in (params[type] ?? {}));
	for (const { type, id, text } of held.values()) {
		if (type === 'Patient' ? id === patientId : searchable(type) && granted(type, 'search'))
			if (patientsOf(JSON.parse(text) as Json).includes(patientId)) take(`${type}/${id}`);
	}
	for (const further of [true, true, false]) {
		const before = level;
		level = [];
		for (const json of before) {
			if (further) for (const reference of values(json, 'reference')) take(nameOf(reference, base));
			if (json.resourceType !== 'DocumentReference' && json.resourceType !== 'DiagnosticReport') continue;
			for (const url of values(json, 'url')) if (nameOf(url, base)?.startsWith('Binary/')) take(nameOf(url, base));
		}
	}
	return wanted;
}

/**
 * Fails unless `lines` (by `folder Type/id`) are `wanted`, octet for octet: nothing missing, added or changed.
 * OperationOutcomes are the wallet's own word on what could not be read, and are answered.
 */
export function expectWhole(lines: Map<string, string>, wanted: Map<string, string>, mayMiss: string[] = []): string[] {
	const told: string[] = [];
	const got = new Map<string, string>();
	for (const [key, line] of lines) {
		if (line.startsWith('{"resourceType":"OperationOutcome"')) told.push(line);
		else got.set(key.slice(key.indexOf(' ') + 1), essence(line));
	}
	const wrong = [
		...[...wanted.keys()].filter((name) => !got.has(name) && !mayMiss.includes(name)).map((name) => `missing: ${name}`),
		...[...got.keys()].filter((name) => !wanted.has(name)).map((name) => `not to be there: ${name}`),
		...[...got]
			.filter(([name, text]) => wanted.has(name) && wanted.get(name) !== text)
			.map(([name]) => `changed: ${name}`),
	];
	expect(wrong.slice(0, 10)).toEqual([]);
	return told;
}
