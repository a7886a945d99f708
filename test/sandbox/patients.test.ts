import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { connect, fhirGet, pagesOf, REDIRECT_URI } from './client.js';
import type { PatientRecord } from './fhir/record.js';
import { generateRecord } from './patients/generate.js';
import { loadBundle, loadFolder, usernameOf } from './patients/load.js';
import { people } from './patients/people.js';
import { startSandbox } from './server.js';

const camila = people[0]!;
const digest = (record: PatientRecord) => {
	const hash = createHash('sha256');
	for (const { text } of record.all()) hash.update(text);
	return hash.digest('hex');
};

describe('the generator', () => {
	test('gives the same octets each time, and others elsewhere', () => {
		const make = (place: string) => digest(generateRecord(camila, { place, bytes: 300_000 }));
		expect(make('harbor')).toBe(make('harbor'));
		expect(make('harbor')).not.toBe(make('lakeside'));
	});

	test.each([1_000_000, 10_000_000, 100_000_000])('makes a record of about %i octets', (bytes) => {
		const record = generateRecord(camila, { place: 'harbor', bytes });
		let octets = 0;
		for (const { text } of record.all()) octets += Buffer.byteLength(text);
		expect(octets / bytes).toBeGreaterThan(0.95);
		expect(octets / bytes).toBeLessThan(1.15);
	});

	test('makes every kind of resource, valid JSON with unique ids and references that resolve', () => {
		const record = generateRecord(camila, { place: 'harbor' });
		const known = new Set<string>();
		for (const { type, id, text } of record.all()) {
			expect(JSON.parse(text)).toMatchObject({ resourceType: type, id });
			expect(id).toMatch(/^[A-Za-z0-9\-.]{1,64}$/);
			known.add(`${type}/${id}`);
		}
		expect(record.types.sort()).toEqual(
			'AllergyIntolerance Appointment Binary CarePlan CareTeam Condition Coverage Device DiagnosticReport DocumentReference Encounter Goal Immunization Location Medication MedicationRequest Observation Organization Patient Practitioner PractitionerRole Procedure Provenance RelatedPerson'.split(
				' ',
			),
		);
		for (const { text } of record.all()) {
			for (const [, target] of text.matchAll(/"(?:reference|url)":"([A-Z][A-Za-z]+\/[^"]+)"/g)) {
				expect(known).toContain(target);
			}
		}
	});

	test('a PDF says where its objects are', () => {
		const record = generateRecord(camila, { place: 'harbor' });
		const pdfs = record
			.list('Binary')
			.filter(({ text }) => text.includes('application/pdf'))
			.map(({ json }) => Buffer.from(json.data as string, 'base64').toString('latin1'));
		expect(pdfs.length).toBeGreaterThan(0);
		for (const pdf of pdfs) {
			const xref = Number(/startxref\n(\d+)/.exec(pdf)?.[1]);
			expect(pdf.slice(xref, xref + 4)).toBe('xref');
			const offsets = [...pdf.slice(xref).matchAll(/^(\d{10}) 00000 n/gm)].map(([, offset]) => Number(offset));
			for (const [i, offset] of offsets.entries()) expect(pdf.slice(offset)).toMatch(new RegExp(`^${i + 1} 0 obj`));
		}
	});
});

describe('the loader', () => {
	const patient = { resourceType: 'Patient', id: 'p1', name: [{ given: ['Ána12'], family: 'Ñu' }] };
	const bundle = {
		resourceType: 'Bundle',
		entry: [
			{ fullUrl: 'urn:uuid:p1', resource: patient },
			{ fullUrl: 'urn:uuid:o1', resource: { resourceType: 'Organization', id: 'o1', name: 'Clinic' } },
			{
				fullUrl: 'urn:uuid:d1',
				resource: {
					resourceType: 'DocumentReference',
					id: 'd1',
					subject: { reference: 'urn:uuid:p1' },
					custodian: { reference: 'urn:uuid:o1' },
					content: [{ attachment: { contentType: 'text/plain', data: 'aGk=' } }],
				},
			},
			{ resource: { resourceType: 'Condition', id: 'c1', subject: { reference: 'Patient/other' } } },
		],
	};

	test('rewrites urn:uuid references, moves attachments into a Binary, leaves out other people', () => {
		const [loaded] = loadBundle(bundle, new Set());
		expect(loaded).toMatchObject({ username: 'ana', name: 'Ána12 Ñu' });
		expect(loaded?.record.get('DocumentReference', 'd1')?.json).toMatchObject({
			subject: { reference: 'Patient/p1' },
			custodian: { reference: 'Organization/o1' },
			content: [{ attachment: { contentType: 'text/plain', url: 'Binary/d1-0' } }],
		});
		expect(loaded?.record.get('Binary', 'd1-0')?.json).toMatchObject({ contentType: 'text/plain', data: 'aGk=' });
		expect(loaded?.record.get('Condition', 'c1')).toBeUndefined();
	});

	test('user names are plain and never taken twice', () => {
		expect(usernameOf('José María')).toBe('jose');
		expect(usernameOf('渡辺')).toBe('patient');
		const taken = new Set(['ana']);
		expect([loadBundle(bundle, taken), loadBundle(bundle, taken)].flat().map(({ username }) => username)).toEqual([
			'ana2',
			'ana3',
		]);
	});

	test('a patient from a folder can sign in at every system', async () => {
		const folder = mkdtempSync(join(tmpdir(), 'satchel-sandbox-'));
		writeFileSync(join(folder, 'bundle.json'), JSON.stringify(bundle));
		const sandbox = await startSandbox({ redirectUris: [REDIRECT_URI], data: folder });
		try {
			for (const id of ['lakeside', 'harbor']) {
				const tokens = await connect(sandbox, id, { username: 'ana' });
				expect(tokens.patient).toBe('p1');
				const binary = await fhirGet(sandbox, id, tokens.access_token, 'Binary/d1-0', 'text/plain');
				expect(await binary.text()).toBe('hi');
			}
		} finally {
			await sandbox.close();
			rmSync(folder, { recursive: true });
		}
	});

	const synthea = fileURLToPath(new URL('../../../shared/data/patients', import.meta.url));
	const present = existsSync(synthea);
	if (!present) console.warn('../shared/data is not here: the Synthea patients are not tried');

	describe.skipIf(!present)('with ../shared/data', async () => {
		const sandbox = present ? await startSandbox({ redirectUris: [REDIRECT_URI], data: synthea }) : null;
		afterAll(() => sandbox?.close());

		test('everybody in the folder becomes a login, and no urn:uuid is left', () => {
			const loaded = loadFolder(synthea, new Set());
			const wanted = readdirSync(synthea).filter((name) => name.endsWith('.json'));
			expect(loaded).toHaveLength(wanted.length);
			for (const { record } of loaded) {
				for (const { text } of record.all()) expect(text).not.toMatch(/"reference":"urn:/);
			}
		});

		test('a Synthea record is served whole', async () => {
			const file = readdirSync(synthea).find((name) => name.startsWith('Keira'))!;
			const { entry } = JSON.parse(readFileSync(join(synthea, file), 'utf8')) as {
				entry: { resource: { resourceType: string; id: string } }[];
			};
			const tokens = await connect(sandbox!, 'harbor', { username: 'keira' });
			for (const type of ['Observation', 'Encounter', 'Condition', 'ImagingStudy', 'CarePlan', 'Claim']) {
				const query = `${type}?patient=${tokens.patient}&_count=50`;
				const pages = await pagesOf(sandbox!, 'harbor', tokens.access_token, query);
				const ids = pages.flatMap((page) => page.entry ?? []).map(({ resource }) => resource.id);
				const expected = entry.flatMap(({ resource }) => (resource.resourceType === type ? resource.id : []));
				expect(ids.sort()).toEqual(expected.sort());
			}
		});
	});
});
