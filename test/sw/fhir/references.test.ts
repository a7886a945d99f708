import { describe, expect, test } from 'vitest';
import { startCollect } from '../../../sw/fhir/collect.js';
import { batches, MAX_REFERENCES, references, wantReferences } from '../../../sw/fhir/references.js';
import { report } from '../../../sw/fhir/report.js';
import { parseReference } from '../../../sw/fhir/urls.js';
import { drive, keys, reports, standing } from './drive.js';
import { base, fail, fakeServer, outcome, type Quirk, respond, when } from './server.js';

const subject = { reference: 'Patient/p1' };
const ids = Array.from({ length: 60 }, (_, n) => `d${String(n).padStart(2, '0')}`);
const record = [
	{ resourceType: 'Patient', id: 'p1' },
	...ids.map((id) => ({
		resourceType: 'Encounter',
		id: `e-${id}`,
		subject,
		participant: [{ individual: { reference: `Practitioner/${id}` } }],
	})),
	...ids.map((id) => ({ resourceType: 'Practitioner', id })),
];
const collect = (quirks: Quirk[] = [], input: Parameters<typeof drive>[1] = {}, pageSize = 100) => {
	const server = fakeServer(record, quirks, pageSize);
	const run = drive(server, input);
	return {
		...run,
		practitioners: keys(run.lines).filter((key) => key.startsWith('Practitioner/')).length,
		reports: reports(run.state).filter(({ query }) => query.startsWith('Practitioner')),
		asked: server.requests.filter((one) => one.startsWith('Practitioner')),
	};
};

describe('a reference', () => {
	test.each([
		['Practitioner/a', 'a'],
		['Practitioner/a/_history/2', 'a'],
		[`${base}/Practitioner/a`, 'a'],
		[`${base}/Practitioner/a/_history/2`, 'a'],
		['https://ehr.example/other/Practitioner/a', 'a'],
	])('%s names a resource of this server', (reference, id) => {
		expect(parseReference(reference, base)).toEqual({ type: 'Practitioner', id });
	});

	test.each([
		'#a',
		'urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7',
		'Practitioner?identifier=1|2',
		'https://other.example/Practitioner/a',
		'http://ehr.example/fhir/r4/Practitioner/a',
		`${base}/Practitioner/a?x=1`,
		'Practitioner/../Patient',
		'Practitioner/a/b',
		'practitioner/a',
		`Practitioner/${'a'.repeat(65)}`,
		'',
	])('%s does not', (reference) => {
		expect(parseReference(reference, base)).toBeNull();
	});

	test('is found at any depth, also in contained resources', () => {
		let deep: object = { reference: 'Location/deep' };
		for (let n = 0; n < 20_000; n++) deep = { of: [deep] };
		const resource = { contained: [{ a: { reference: 'Organization/o' } }], deep, b: null };
		expect([...references(resource)].sort()).toEqual(['Location/deep', 'Organization/o']);
	});
});

test('batches are bounded by number and by length', () => {
	expect(batches(ids).map(({ length }) => length)).toEqual([50, 10]);
	const long = Array.from({ length: 60 }, (_, n) => `${n}`.padStart(64, '0'));
	for (const batch of batches(long)) expect(batch.join(',').length).toBeLessThanOrEqual(1500);
	expect(batches(long).flat()).toEqual(long);
});

describe('what the record refers to', () => {
	test('is fetched in batches, each once', () => {
		const { practitioners, reports, asked } = collect();
		expect(practitioners).toBe(60);
		expect(asked).toHaveLength(2);
		expect(reports).toEqual([{ query: 'Practitioner', status: 'ok', count: 60 }]);
	});

	test('is fetched through the pages of a batch', () => {
		expect(collect([], {}, 7).practitioners).toBe(60);
	});

	test('is read one by one where a batch is refused, or brings fewer', () => {
		const refused = collect([when(/^Practitioner\?/, (url) => respond(400, outcome('too-costly'), url.href))]);
		expect(refused.practitioners).toBe(60);
		expect(refused.reports).toEqual([{ query: 'Practitioner', status: 'ok', count: 60 }]);
		const fewer = collect([
			when(/^Practitioner\?/, (url) =>
				respond(200, { resourceType: 'Bundle', entry: [{ resource: record.at(-1) }] }, url.href),
			),
		]);
		expect(fewer.practitioners).toBe(60);
	});

	test('is not taken from a server that ignores _id and answers with everybody', () => {
		const everybody = Array.from({ length: 500 }, (_, n) => ({
			resource: { resourceType: 'Practitioner', id: `x${n}` },
		}));
		const { practitioners, asked } = collect([
			when(/^Practitioner\?/, (url) =>
				respond(
					200,
					{ resourceType: 'Bundle', link: [{ relation: 'next', url: `${url.href}&more` }], entry: everybody },
					url.href,
				),
			),
		]);
		expect(practitioners).toBe(60);
		expect(asked.filter((one) => one.includes('more'))).toEqual([]);
	});

	test('and is missing is named in the report, by reason', () => {
		const { practitioners, reports, state, finish } = collect([
			when(/^Practitioner\?/, (url) => respond(400, '', url.href)),
			when(/^Practitioner\/d0[12]$/, (url) => respond(404, '', url.href)),
			when(/^Practitioner\/d03$/, () => fail('timeout')),
			when(/^Practitioner\/d04$/, (url) => respond(200, { resourceType: 'Practitioner', id: 'other' }, url.href)),
		]);
		expect(practitioners).toBe(56);
		expect(reports).toEqual([
			{ query: 'Practitioner', status: 'ok', count: 56 },
			{ query: 'Practitioner?_id=d04', status: 'failed', count: 0, reason: 'not_as_asked' },
			{ query: 'Practitioner?_id=d03', status: 'failed', count: 0, reason: 'timeout' },
			{ query: 'Practitioner?_id=d01,d02', status: 'refused', count: 0, reason: 'http_404' },
		]);
		expect(standing(state)).toContainEqual({ type: 'Practitioner', count: 56, status: 'partial' });
		expect(finish).toHaveLength(3);
	});

	test('is not read one by one after silence or a lost token', () => {
		for (const answer of [
			when(/^Practitioner/, () => fail('network')),
			when(/^Practitioner/, (url) => respond(401, '', url.href)),
		]) {
			const { asked, reports } = collect([answer]);
			expect(asked).toHaveLength(2);
			expect(reports.map(({ status }) => status)).toEqual(['failed']);
		}
	});

	test('is not asked for where it is not granted, nor is that a failure', () => {
		const { asked, reports, finish } = collect([], { scope: 'patient/Encounter.rs patient/Patient.rs' });
		expect(asked).toEqual([]);
		expect(reports).toEqual([]);
		expect(finish).toEqual([]);
	});

	test('is read one by one where the server does not list _id', () => {
		const can = (...searchParams: string[]) => ({ read: true, search: true, searchParams });
		const { asked, practitioners } = collect([], {
			capability: { fhirVersion: '4.0.1', resources: { Encounter: can('patient'), Practitioner: can('name') } },
		});
		expect(asked).toHaveLength(60);
		expect(practitioners).toBe(60);
	});
});

test('a record that refers to more than can be followed is followed that far, and says how many were left', () => {
	const state = startCollect({
		fhirBaseUrl: base,
		patientId: 'p1',
		scope: '',
		capability: null,
		vendor: {},
		wants: ['CareTeam'],
	});
	const many = Array.from({ length: MAX_REFERENCES + 7 }, (_, i) => ({
		member: { reference: `Practitioner/n${i}` },
	}));
	wantReferences(state, { resourceType: 'CareTeam', id: 'c1', participant: many });
	expect(state.wanted.Practitioner).toHaveLength(MAX_REFERENCES);
	expect(report(state)).toContainEqual({ query: 'references', status: 'failed', count: 7, reason: 'too_many' });
});
