import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Bundle, connect, fhirGet, pagesOf, REDIRECT_URI, type TokenResponse } from './client.js';
import { relayKeys } from './client-keys.js';
import { searchParams } from './fhir/params.js';
import { span } from './fhir/search.js';
import { type Sandbox, startSandbox } from './server.js';

let sandbox: Sandbox;
const tokens: Record<string, TokenResponse> = {};
beforeAll(async () => {
	sandbox = await startSandbox({ ...relayKeys, redirectUris: [REDIRECT_URI], recordBytes: 600_000 });
	for (const { id } of sandbox.systems) tokens[id] = await connect(sandbox, id);
});
afterAll(() => sandbox.close());

const token = (id: string) => tokens[id]!.access_token;
const patient = (id: string) => sandbox.patientId(id, 'camila');
const get = (id: string, path: string, accept?: string) => fhirGet(sandbox, id, token(id), path, accept);
const idsOf = (pages: Bundle[], type: string) =>
	pages
		.flatMap((page) => page.entry ?? [])
		.flatMap(({ resource }) => (resource.resourceType === type ? resource.id : []));
const stored = (id: string, type: string) =>
	[...sandbox.resources(id, 'camila')].filter((resource) => resource.type === type);
const idsStored = (id: string, type: string) => stored(id, type).map((resource) => resource.id);

/** The query that a system wants for all Observations. */
const all: Record<string, string> = { lakeside: '&category=laboratory,vital-signs,social-history' };
for (const id of ['summit', 'northgate', 'bayside', 'heritage']) all[id] = all.lakeside!;

describe('searching', () => {
	test.each(['lakeside', 'harbor', 'summit', 'clinic', 'walled', 'meridian', 'northgate', 'bayside', 'heritage'])(
		'%s: the pages of a search hold every resource exactly once',
		async (id) => {
			const pages = await pagesOf(
				sandbox,
				id,
				token(id),
				`Observation?patient=${patient(id)}&_count=20${all[id] ?? ''}`,
			);
			expect(pages.length).toBeGreaterThan(3);
			expect(idsOf(pages, 'Observation')).toEqual(idsStored(id, 'Observation'));
		},
	);

	test('resources arrive octet for octet: decimals, emoji, escaped surrogates', async () => {
		const response = await get('harbor', `AllergyIntolerance?patient=${patient('harbor')}`);
		const body = await response.text();
		for (const { text } of stored('harbor', 'AllergyIntolerance')) {
			expect(body).toContain(text);
			expect(text).toContain('\\ud83d\\ude42');
			expect(text).toContain('\\ud83d cut off');
			expect(text).toContain('🌿');
		}
		const requests = stored('harbor', 'MedicationRequest');
		expect(requests.some(({ text }) => text.includes('"value":1.50,'))).toBe(true);
		for (const { id, text } of requests) {
			expect(await (await get('harbor', `MedicationRequest/${id}`)).text()).toBe(text);
		}
	});

	test('category, code, status, intent and _id narrow a search', async () => {
		const count = async (query: string) =>
			idsOf(await pagesOf(sandbox, 'harbor', token('harbor'), query), query.split('?')[0]!).length;
		const whose = `patient=${patient('harbor')}`;
		const allOf = idsStored('harbor', 'Observation').length;
		const laboratory = await count(`Observation?${whose}&category=laboratory`);
		const vital = await count(
			`Observation?${whose}&category=http://terminology.hl7.org/CodeSystem/observation-category%7Cvital-signs`,
		);
		expect(laboratory + vital + 1).toBe(allOf);
		expect(await count(`Observation?${whose}&category=http://example.org%7Claboratory`)).toBe(0);
		expect(await count(`Observation?${whose}&code=72166-2`)).toBe(1);
		expect(await count(`Observation?subject=Patient/${patient('harbor')}&status=final`)).toBe(allOf);
		const requests = idsStored('harbor', 'MedicationRequest');
		const order = await count(`MedicationRequest?${whose}&intent=order`);
		expect(order + (await count(`MedicationRequest?${whose}&intent=plan`))).toBe(requests.length);
		const some = idsStored('harbor', 'Practitioner').slice(0, 3);
		expect(await count(`Practitioner?_id=${some.join(',')},nobody`)).toBe(3);
	});

	test('dates compare with prefixes and at every precision', async () => {
		const whose = `patient=${patient('harbor')}`;
		const ids = async (query: string) =>
			idsOf(await pagesOf(sandbox, 'harbor', token('harbor'), `Observation?${whose}&${query}`), 'Observation');
		const everything = idsStored('harbor', 'Observation').length;
		const before = await ids('date=lt2015-06-01');
		const since = await ids('date=ge2015-06-01');
		expect(before.length).toBeGreaterThan(0);
		expect(since.length).toBeGreaterThan(0);
		expect(before.length + since.length).toBe(everything);
		expect(await ids('date=2025-10-01&category=social-history')).toHaveLength(1);
		expect(await ids('date=2025&category=social-history')).toHaveLength(1);
		expect(await ids('date=ge2025-10-01&date=lt2025-10-02&category=social-history')).toHaveLength(1);
		expect(await ids('_lastUpdated=gt2100')).toEqual([]);
		expect((await get('harbor', `Observation?${whose}&date=soon`)).status).toBe(400);
	});

	test('a FHIR date covers the time that its precision leaves open', () => {
		expect(span('2024-02')).toEqual([Date.UTC(2024, 1, 1), Date.UTC(2024, 2, 1)]);
		expect(span('2024-02-29')).toEqual([Date.UTC(2024, 1, 29), Date.UTC(2024, 2, 1)]);
		expect(span('2024-02-29T10:00:00+02:00')[0]).toBe(Date.UTC(2024, 1, 29, 8));
		expect(span('soon')[0]).toBeNaN();
	});

	test('an unknown parameter and a search without a patient are refused', async () => {
		expect((await get('harbor', `Observation?patient=${patient('harbor')}&colour=red`)).status).toBe(400);
		const nobody = await get('harbor', 'Observation');
		expect(nobody.status).toBe(400);
		expect((await nobody.json()).issue[0].code).toBe('required');
	});
});

describe('what each system does', () => {
	test('lakeside wants a category, counts the page, and says more than was asked', async () => {
		const whose = `patient=${patient('lakeside')}`;
		for (const type of ['Observation', 'CarePlan']) {
			const refused = await get('lakeside', `${type}?${whose}`);
			expect(refused.status).toBe(400);
			expect((await refused.json()).issue[0].code).toBe('required');
		}
		const [page] = await pagesOf(sandbox, 'lakeside', token('lakeside'), `Encounter?${whose}&_count=2`);
		expect(page?.total).toBe(2);
		expect(page?.entry?.at(-1)).toMatchObject({
			resource: { resourceType: 'OperationOutcome' },
			search: { mode: 'outcome' },
		});
		const next = new URL(page?.link.find(({ relation }) => relation === 'next')?.url ?? '');
		expect([...next.searchParams.keys()]).toEqual(['sessionID']);
		const forbidden = await get('lakeside', `Coverage?${whose}`);
		expect([forbidden.status, await forbidden.text()]).toEqual([403, '']);
		const missing = await get('lakeside', `Claim?${whose}`);
		expect(missing.status).toBe(404);
		expect(missing.headers.get('content-type')).toContain('text/html');
	});

	test('summit wants a date for appointments', async () => {
		const whose = `patient=${patient('summit')}`;
		expect((await get('summit', `Appointment?${whose}`)).status).toBe(400);
		const pages = await pagesOf(sandbox, 'summit', token('summit'), `Appointment?${whose}&date=ge2020-01-01`);
		expect(idsOf(pages, 'Appointment')).toHaveLength(1);
	});

	test('meridian pages by cursor without a total and keeps HTML inline', async () => {
		const pages = await pagesOf(sandbox, 'meridian', token('meridian'), `Observation?patient=${patient('meridian')}`);
		expect(pages[0]).not.toHaveProperty('total');
		expect(pages[0]?.link[1]?.url).toContain('_cursor=');
		expect((await get('meridian', `MedicationRequest?patient=${patient('meridian')}`)).status).toBe(400);
		expect(stored('meridian', 'Binary').some(({ text }) => text.includes('"contentType":"text/html"'))).toBe(false);
		expect(stored('meridian', 'DocumentReference').some(({ text }) => text.includes('"data":'))).toBe(true);
	});

	test('northgate cuts pages short, changes the path in next, and promises too much', async () => {
		const [page] = await pagesOf(
			sandbox,
			'northgate',
			token('northgate'),
			`Observation?patient=${patient('northgate')}${all.northgate}&_count=50`,
		);
		expect(page?.entry).toHaveLength(25);
		expect(page?.total).toBe(idsStored('northgate', 'Observation').length + 7);
		expect(page?.link[1]?.url).toContain('/northgate/FHIR/');
		expect((await get('northgate', `CarePlan?patient=${patient('northgate')}`)).status).toBe(404);
	});

	test.each(['lakeside', 'harbor', 'summit'])('%s: /metadata names exactly what can be searched', async (id) => {
		const response = await fetch(`${sandbox.origin}/${id}/fhir/metadata`);
		expect(response.headers.get('content-type')).toContain('application/fhir+json');
		const statement = (await response.json()) as {
			rest: { resource: { type: string; searchParam?: { name: string }[]; interaction: { code: string }[] }[] }[];
		};
		const resources = statement.rest[0]!.resource;
		const observation = resources.find(({ type }) => type === 'Observation')!;
		expect(observation.searchParam?.map(({ name }) => name)).toEqual(
			expect.arrayContaining(['_id', '_lastUpdated', ...Object.keys(searchParams.Observation!)]),
		);
		expect(resources.find(({ type }) => type === 'Binary')?.interaction).toEqual([{ code: 'read' }]);
	});
});

describe('reading', () => {
	test('a Binary comes in its own content type, or as FHIR JSON', async () => {
		const binaries = stored('harbor', 'Binary').map(({ text }) => JSON.parse(text));
		expect(new Set(binaries.map(({ contentType }) => contentType)).size).toBe(5);
		for (const { id, contentType, data } of binaries) {
			const native = await get('harbor', `Binary/${id}`, contentType);
			expect(native.headers.get('content-type')).toBe(contentType);
			expect(Buffer.from(await native.arrayBuffer()).toString('base64')).toBe(data);
		}
		const json = await get('harbor', `Binary/${binaries[0].id}`);
		expect(await json.json()).toMatchObject({ resourceType: 'Binary', data: binaries[0].data });
	});

	test('a token opens its own patient and nobody else', async () => {
		expect((await get('harbor', `Patient/${patient('harbor')}`)).status).toBe(200);
		const other = sandbox.patientId('harbor', 'derrick');
		expect((await get('harbor', `Patient/${other}`)).status).toBe(404);
		const pages = await pagesOf(sandbox, 'harbor', token('harbor'), `Condition?patient=${other}`);
		expect(idsOf(pages, 'Condition')).toEqual([]);
		const theirs = [...sandbox.resources('harbor', 'derrick')].find(({ type }) => type === 'Condition')!;
		expect((await get('harbor', `Condition/${theirs.id}`)).status).toBe(404);
	});

	test('without a token, with a made-up one and with another system’s there is a 401 and a challenge', async () => {
		for (const bearer of ['', 'made-up', token('lakeside')]) {
			const response = await fetchPatient(bearer);
			expect(response.status).toBe(401);
			expect(response.headers.get('www-authenticate')).toMatch(/^Bearer/);
			expect(response.headers.get('access-control-allow-origin')).toBe('*');
		}
	});
	const fetchPatient = (bearer: string) =>
		fetch(`${sandbox.origin}/harbor/fhir/Patient/${patient('harbor')}`, {
			headers: bearer ? { authorization: `Bearer ${bearer}` } : {},
		});

	test.each([
		['patient/Observation.rs', { search: 200, read: 200, other: 403 }],
		['patient/Observation.r', { search: 403, read: 200, other: 403 }],
		['patient/Observation.s', { search: 200, read: 403, other: 403 }],
		['patient/*.rs', { search: 200, read: 200, other: 200 }],
	])('harbor grants with %s no more than that', async (scope, expected) => {
		const { access_token } = await connect(sandbox, 'harbor', { params: { scope: `openid launch/patient ${scope}` } });
		const status = async (path: string) => (await fhirGet(sandbox, 'harbor', access_token, path)).status;
		const [observation] = idsStored('harbor', 'Observation');
		expect({
			search: await status(`Observation?patient=${patient('harbor')}`),
			read: await status(`Observation/${observation}`),
			other: await status(`Condition?patient=${patient('harbor')}`),
		}).toEqual(expected);
	});
});

describe('a record that changes', () => {
	const goals = async (id: string, more = '') => pagesOf(sandbox, id, token(id), `Goal?patient=${patient(id)}${more}`);
	const goal = (id: string) => ({
		resourceType: 'Goal',
		id: 'g-new',
		lifecycleStatus: 'active',
		subject: sandbox.records(id, 'camila').patient,
	});

	test('what was added and changed since a time is found by _lastUpdated, and what was removed is gone', async () => {
		const record = sandbox.records('harbor', 'camila');
		const since = '&_lastUpdated=gt2026-06-01T00:00:00Z';
		expect(idsOf(await goals('harbor', since), 'Goal')).toEqual([]);
		record.put(goal('harbor'), '2026-06-02T00:00:00Z');
		const [page] = await goals('harbor', since);
		expect(idsOf([page!], 'Goal')).toEqual(['g-new']);
		expect(page!.link?.find(({ relation }) => relation === 'self')?.url).toContain('_lastUpdated=gt2026-06-01');
		record.put({ ...goal('harbor'), lifecycleStatus: 'completed' }, '2026-06-03T00:00:00Z');
		expect(idsOf(await goals('harbor', '&_lastUpdated=gt2026-06-02T12:00:00Z'), 'Goal')).toEqual(['g-new']);
		expect(record.get('Goal', 'g-new')).toMatchObject({ lifecycleStatus: 'completed', meta: { versionId: '2' } });
		record.remove('Goal', 'g-new');
		expect(idsOf(await goals('harbor', since), 'Goal')).toEqual([]);
		expect((await get('harbor', 'Goal/g-new')).status).toBe(404);
		expect(() => record.remove('Goal', 'g-new')).toThrow('no such resource');
	});

	test('one system passes over _lastUpdated, and its self link tells; another refuses it', async () => {
		const everything = idsStored('meridian', 'Goal');
		const [page] = await goals('meridian', '&_lastUpdated=gt2100');
		expect(everything.length).toBeGreaterThan(0);
		expect(idsOf([page!], 'Goal')).toEqual(everything);
		expect(page!.link?.find(({ relation }) => relation === 'self')?.url).not.toContain('_lastUpdated');
		expect((await get('northgate', `Goal?patient=${patient('northgate')}&_lastUpdated=gt2100`)).status).toBe(400);
	});
});

describe('a DSTU2 server', () => {
	test('tells by a Conformance, and in no other way, what it can do and where one signs in', async () => {
		expect((await get('heritage', '.well-known/smart-configuration')).status).toBe(404);
		const response = await get('heritage', 'metadata');
		expect(response.headers.get('content-type')).toMatch(/^application\/json\+fhir/);
		const statement = await response.json();
		expect(statement).toMatchObject({ resourceType: 'Conformance', fhirVersion: '1.0.2' });
		expect(JSON.stringify(statement.rest[0].security.extension)).toContain('/heritage/oauth/token');
		expect(statement.rest[0].resource.map(({ type }: { type: string }) => type)).not.toContain('MedicationRequest');
	});

	test('has the shapes of DSTU2, and speaks its media type alone', async () => {
		const whose = `patient=${patient('heritage')}`;
		const [orders] = await pagesOf(sandbox, 'heritage', token('heritage'), `MedicationOrder?${whose}`);
		expect(orders!.entry?.[0]?.resource).toMatchObject({ patient: sandbox.records('heritage', 'camila').patient });
		const [conditions] = await pagesOf(sandbox, 'heritage', token('heritage'), `Condition?${whose}&category=problem`);
		expect(conditions!.entry?.[0]?.resource).toMatchObject({ category: { coding: [{ code: 'problem' }] } });
		expect((await get('heritage', `Goal?${whose}`, 'application/fhir+json')).status).toBe(406);
		expect((await get('heritage', `MedicationRequest?${whose}`)).status).toBe(404);
	});

	test('finds care teams, which are CarePlans, only by their category', async () => {
		const find = async (more: string) =>
			idsOf(
				await pagesOf(sandbox, 'heritage', token('heritage'), `CarePlan?patient=${patient('heritage')}${more}`),
				'CarePlan',
			);
		expect(await find('')).toHaveLength(1);
		expect(await find('&category=careteam,longitudinal,encounter')).toHaveLength(1);
		expect(idsStored('heritage', 'CarePlan')).toHaveLength(2);
	});
});

test('one system claims a total of what it does not have', async () => {
	const [page] = await pagesOf(sandbox, 'bayside', token('bayside'), `Goal?patient=${patient('bayside')}`);
	expect(page).toMatchObject({ total: 50 });
	expect(page!.entry).toBeUndefined();
});
