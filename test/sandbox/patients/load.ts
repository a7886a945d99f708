/** Reads FHIR bundles (transaction or collection) from a folder: each Patient in them becomes somebody who can sign in. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { patientsOf } from '../fhir/params.js';
import { type Json, PatientRecord } from '../fhir/record.js';

export interface LoadedPatient {
	username: string;
	name: string;
	record: PatientRecord;
}

interface Bundle {
	resourceType?: string;
	entry?: { fullUrl?: string; resource?: Json & { resourceType: string; id?: string } }[];
}

/** Lower-case ASCII of a given name without the digits that Synthea adds: "José María" is jose. */
export function usernameOf(given: string): string {
	const letters = given
		.normalize('NFKD')
		.replace(/[^A-Za-z ]/g, '')
		.trim()
		.toLowerCase();
	return letters.split(' ')[0] || 'patient';
}

/** `username`, or with the first number that is free. */
export function unused(username: string, taken: Set<string>): string {
	let result = username;
	for (let n = 2; taken.has(result); n++) result = `${username}${n}`;
	taken.add(result);
	return result;
}

export type DataFolderErrorCode = 'data_unreadable' | 'data_not_json' | 'data_empty';

/** A folder that gives nobody who could sign in. */
export class DataFolderError extends Error {
	override name = 'DataFolderError';
	constructor(
		readonly code: DataFolderErrorCode,
		/** For the person who starts the sandbox. */
		readonly problems: string[],
		options?: { cause: unknown },
	) {
		super(code, options);
	}
}

/**
 * JSON files that are no bundles are passed over. `taken` holds the user names that are gone already, and gets the new
 * ones.
 * @throws {DataFolderError} the folder or a file in it cannot be read, or no patient is in it
 */
export function loadFolder(folder: string, taken: Set<string>): LoadedPatient[] {
	const patients = namesIn(folder).flatMap((name) => {
		const value = readJson(join(folder, name));
		return isBundle(value) ? loadBundle(value, taken) : [];
	});
	if (patients.length > 0) return patients;
	throw new DataFolderError('data_empty', [`SANDBOX_DATA=${folder} holds no FHIR bundle with a Patient in it`]);
}

function namesIn(folder: string): string[] {
	try {
		return readdirSync(folder)
			.filter((name) => name.endsWith('.json'))
			.sort();
	} catch (cause) {
		throw new DataFolderError('data_unreadable', [`SANDBOX_DATA=${folder} is not a folder that can be read`], {
			cause,
		});
	}
}

function readJson(path: string): unknown {
	try {
		return JSON.parse(readFileSync(path, 'utf8'));
	} catch (cause) {
		const [code, problem] =
			cause instanceof SyntaxError
				? (['data_not_json', 'is not JSON'] as const)
				: (['data_unreadable', 'cannot be read'] as const);
		throw new DataFolderError(code, [`SANDBOX_DATA: ${path} ${problem}`], { cause });
	}
}

function isBundle(value: unknown): value is Bundle {
	return typeof value === 'object' && value !== null && 'resourceType' in value && value.resourceType === 'Bundle';
}

export function loadBundle(bundle: Bundle, taken: Set<string>): LoadedPatient[] {
	const resources = (bundle.entry ?? []).flatMap(({ fullUrl, resource }) => {
		if (!resource) return [];
		const id = resource.id ?? fullUrl?.split(/[:/]/).at(-1) ?? '';
		return [{ fullUrl, resource: { ...resource, id } }];
	});
	const names = new Map<string, string>();
	for (const { fullUrl, resource } of resources) {
		if (fullUrl?.startsWith('urn:')) names.set(fullUrl, `${resource.resourceType}/${resource.id}`);
	}
	const rewritten = resources.map(({ resource }) => rewrite(resource, names) as typeof resource);
	const people = rewritten.filter(({ resourceType }) => resourceType === 'Patient');
	return people.map((patient) => {
		const record = new PatientRecord(patient.id);
		for (const resource of rewritten) {
			const owners = patientsOf(resource);
			if (owners.length === 0 || owners.includes(patient.id)) addWithBinaries(record, resource);
		}
		const name = displayName(patient);
		return { username: unused(usernameOf(name), taken), name, record };
	});
}

function displayName(patient: Json): string {
	const [name] = (patient.name ?? []) as { text?: string; given?: string[]; family?: string }[];
	if (!name) return 'Unnamed';
	return [...(name.given ?? []), name.family ?? ''].join(' ').trim() || (name.text ?? 'Unnamed');
}

/** References `urn:uuid:…` become `Type/id`. */
function rewrite(value: unknown, names: Map<string, string>): unknown {
	if (Array.isArray(value)) return value.map((item) => rewrite(item, names));
	if (typeof value !== 'object' || value === null) return value;
	return Object.fromEntries(
		Object.entries(value).map(([key, item]) => {
			if (key === 'reference' && typeof item === 'string') return [key, names.get(item) ?? item];
			return [key, rewrite(item, names)];
		}),
	);
}

interface Attachment extends Json {
	contentType?: string;
	data?: string;
	url?: string;
}

/** Inline attachments move into Binary resources, as servers keep them. */
function addWithBinaries(record: PatientRecord, resource: Json & { resourceType: string; id: string }): void {
	let count = 0;
	const outside = (attachment: Attachment | undefined): Attachment | undefined => {
		if (!attachment?.data) return attachment;
		const { data, ...rest } = attachment;
		const id = `${resource.id}-${count++}`.slice(-64);
		const contentType = attachment.contentType ?? 'application/octet-stream';
		record.add('Binary', id, JSON.stringify({ resourceType: 'Binary', id, contentType, data }));
		return { ...rest, url: `Binary/${id}` };
	};
	let served: Json = resource;
	if (resource.resourceType === 'DocumentReference') {
		const content = (resource.content ?? []) as { attachment?: Attachment }[];
		served = { ...resource, content: content.map((item) => ({ ...item, attachment: outside(item.attachment) })) };
	} else if (resource.resourceType === 'DiagnosticReport' && Array.isArray(resource.presentedForm)) {
		served = { ...resource, presentedForm: (resource.presentedForm as Attachment[]).map(outside) };
	}
	record.add(resource.resourceType, resource.id, JSON.stringify(served));
}
