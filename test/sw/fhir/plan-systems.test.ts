import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readCapability } from '../../../sw/fhir/capability.js';
import { isDone, nextTasks, settle, startCollect } from '../../../sw/fhir/collect.js';
import { patientSummary } from '../../../sw/fhir/patient.js';
import { kinds, report } from '../../../sw/fhir/report.js';
import { allows, readScopes } from '../../../sw/fhir/scopes.js';
import type { CollectState } from '../../../sw/fhir/state.js';
import { ANY_FHIR_JSON, vendorFhir } from '../../../sw/fhir/vendors.js';
import { connect, REDIRECT_URI, systemOf } from '../../sandbox/client.js';
import { relayKeys } from '../../sandbox/client-keys.js';
import type { Resource } from '../../sandbox/fhir/record.js';
import { type Sandbox, startSandbox } from '../../sandbox/server.js';
import { systems } from '../../sandbox/systems.js';

let sandbox: Sandbox;
beforeAll(async () => {
	const either = { anyOf: ['category', 'status', '_id'], status: 400 as const };
	const [model] = systems.filter(({ id }) => id === 'harbor');
	const yielding = {
		...model!,
		id: 'yielding',
		fhir: { ...model!.fhir, requires: { CarePlan: either, Observation: either } },
	};
	sandbox = await startSandbox({
		...relayKeys,
		redirectUris: [REDIRECT_URI],
		recordBytes: 400_000,
		systems: [...systems, yielding],
	});
});
afterAll(() => sandbox.close());

interface Collected {
	state: CollectState;
	scope: string;
	/** By `Type/id`. */
	lines: Map<string, unknown>;
}

/** Collects as the worker does, six requests at a time. */
async function collect(system: string): Promise<Collected> {
	const { fhirBaseUrl, vendor = null } = systemOf(sandbox, system);
	const { access_token, scope } = await connect(sandbox, system);
	const get = (url: string, accept: string) =>
		fetch(url, { headers: { authorization: `Bearer ${access_token}`, accept } });
	const metadata = await get(`${fhirBaseUrl}/metadata`, vendorFhir(vendor).accept ?? ANY_FHIR_JSON);
	const state = startCollect({
		fhirBaseUrl,
		patientId: sandbox.patientId(system, 'camila'),
		scope,
		capability: readCapability(await metadata.json()),
		vendor: vendorFhir(vendor),
	});
	const lines = new Map<string, unknown>();
	while (!isDone(state)) {
		const tasks = nextTasks(state, 6, new Set());
		const answers = await Promise.all(tasks.map(({ url, accept }) => get(url, accept)));
		for (const [i, answer] of answers.entries()) {
			const { status, headers, url } = answer;
			const bytes = new Uint8Array(await answer.arrayBuffer());
			const contentType = headers.get('content-type') ?? '';
			const outcome = { kind: 'response' as const, status, contentType, url, bytes, ms: 1 };
			for (const { type, id, octets } of settle(state, tasks[i]!, outcome).lines) {
				lines.set(`${type}/${id}`, comparable(JSON.parse(Buffer.from(octets).toString('utf8'))));
			}
		}
	}
	return { state, scope, lines };
}

/** Of a Binary what matters: it comes as octets, without its `meta`. */
function comparable(json: Record<string, unknown>): unknown {
	const { resourceType, contentType, data, content } = json;
	return resourceType === 'Binary' ? { contentType, data: data ?? content } : json;
}

/** What a system holds of what its scopes let be read, by `Type/id`. */
function held(system: string, scope: string): Map<string, unknown> {
	const grant = readScopes(scope);
	const all = [...sandbox.resources(system, 'camila')];
	// A small record may have a medicine that no order refers to: nobody's.
	const isOrphan = ({ type, id }: Resource) =>
		type === 'Medication' && !all.some(({ text }) => text.includes(`Medication/${id}`));
	return new Map(
		all
			.filter((one) => allows(grant, 'read', one.type) && !isOrphan(one))
			.map(({ type, id, text }) => [`${type}/${id}`, comparable(JSON.parse(text))]),
	);
}

describe.each([
	['lakeside', 'Epic: by category, and 403 for what the hospital did not select'],
	['summit', 'Oracle Health: Observation is refused plainly, Appointment needs a date'],
	['meridian', 'athenahealth: cursors, an intent, HTML inline'],
	['northgate', 'NextGen: 404 for a CarePlan without a category, totals that never come'],
	['foothills', 'MEDITECH: cursors and no totals'],
	['maple', 'DrChrono: application/json+fhir'],
	['bayside', 'eClinicalWorks: 400 for the patient alone, a total without entries'],
	['heritage', 'DSTU2: other types, other shapes, care teams by their category alone'],
])('%s (%s)', (system) => {
	test('is collected whole: every resource equal to what the server holds', async () => {
		const { lines, scope, state } = await collect(system);
		const wanted = held(system, scope);
		expect([...wanted.keys()].filter((key) => !lines.has(key))).toEqual([]);
		expect([...lines.keys()].filter((key) => !wanted.has(key))).toEqual([]);
		expect(patientSummary(JSON.stringify(lines.get(`Patient/${state.patientId}`)))?.name).toBe('Camila María Ibáñez');
		for (const [key, json] of wanted) expect(lines.get(key)).toEqual(json);
		const incomplete = kinds(state).filter(({ status }) => !['ok', 'empty'].includes(status));
		const refused = system === 'lakeside' ? ['Coverage', 'Provenance'] : [];
		expect(incomplete.map(({ type, status }) => `${type} ${status}`)).toEqual(refused.map((type) => `${type} refused`));
	});
});

describe('what has none of the known categories', () => {
	const strange = (system: string, type: string, status: string) => ({
		resourceType: type,
		id: `strange-${type}`,
		status,
		category: [{ coding: [{ system: 'http://snomed.info/sct', code: '736285004' }] }],
		subject: sandbox.records(system, 'camila').patient,
	});

	test('is found by status, where the server takes a list of all of them', async () => {
		sandbox.records('yielding', 'camila').put(strange('yielding', 'CarePlan', 'on-hold'));
		sandbox.records('yielding', 'camila').put(strange('yielding', 'Observation', 'corrected'));
		const { lines, state } = await collect('yielding');
		expect(lines.has('Observation/strange-Observation')).toBe(true);
		expect(lines.has('CarePlan/strange-CarePlan')).toBe(true);
		expect(report(state)).toContainEqual(
			expect.objectContaining({ query: expect.stringContaining('CarePlan?patient='), status: 'ok', count: 2 }),
		);
	});

	test('cannot be found where that is refused too, and its kind is not called incomplete for it', async () => {
		const { state } = await collect('lakeside');
		const asked = report(state).find(({ query }) => query.includes('status=active,completed,draft'));
		expect(asked).toMatchObject({ status: 'refused', count: 0 });
		expect(kinds(state).find(({ type }) => type === 'CarePlan')?.status).toBe('ok');
	});

	test('is looked for once, even where every category is refused and the next way is the same parameter', async () => {
		sandbox.faults.add({
			system: 'yielding',
			match: { endpoint: 'fhir', type: 'CarePlan', url: 'category=' },
			action: { status: 400, body: '{}' },
		});
		const { lines, state } = await collect('yielding');
		sandbox.faults.reset();
		expect(lines.has('CarePlan/strange-CarePlan')).toBe(true);
		expect(kinds(state).find(({ type }) => type === 'CarePlan')?.status).toBe('ok');
		const asked = state.queries.map(({ id }) => id);
		expect(new Set(asked).size).toBe(asked.length);
	});
});
