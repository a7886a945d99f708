import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { HEADINGS, summarize } from '../../../relay/agent/summary/summary.js';
import { toDstu2 } from '../../sandbox/patients/dstu2.js';
import { generateRecord } from '../../sandbox/patients/generate.js';
import { loadBundle } from '../../sandbox/patients/load.js';
import { people } from '../../sandbox/patients/people.js';
import { answered, type Delivered, delivered, held, type Json } from './delivered.js';

const FOLDER = '/work/shared/data/patients';
const there = existsSync(FOLDER);
if (!there) console.warn(`SKIPPED: there are no Synthea patients and US Core examples in ${FOLDER}`);

const section = (summary: string, name: keyof typeof HEADINGS) =>
	summary.split(/^(?=## )/m).find((one) => one.startsWith(`## ${HEADINGS[name]}\n`)) ?? '';

function recordsOf(file: string): string[] {
	const [patient] = loadBundle(JSON.parse(readFileSync(`${FOLDER}/${file}`, 'utf8')), new Set());
	return [...(patient?.record.all() ?? [])].map(({ text }) => text);
}

/** Whose they are: the first Patient among them. */
function patientOf(records: readonly string[]): Delivered['patient'] {
	const found = records.map((text) => JSON.parse(text) as Json).find(({ resourceType }) => resourceType === 'Patient');
	return { id: String(found?.id) };
}

describe.skipIf(!there)('summaries of public examples', () => {
	const files = there ? readdirSync(FOLDER).filter((name) => name.endsWith('.json')) : [];

	test.each(files)(
		'%s: every condition, medicine, vaccine and lab is on a line, and every line leads to a resource',
		async (file) => {
			const records = recordsOf(file);
			const library = await delivered([{ name: 'Example', records, patient: patientOf(records) }]);
			const summary = await summarize(library);
			const resources = records.map((text) => JSON.parse(text) as Json);
			const names = new Set(resources.map(({ resourceType, id }) => `01-example/${resourceType}/${id}`));
			const refs = [...summary.matchAll(/ `(01-example\/[^`]+)`$/gm)].map(([, ref = '']) => ref);
			expect(refs.length).toBeGreaterThan(20);
			for (const ref of refs) if (!ref.includes('/documents/')) expect(names).toContain(ref);
			for (const [type, name] of [
				['Condition', 'problems'],
				['Immunization', 'immunizations'],
				['AllergyIntolerance', 'allergies'],
			] as const) {
				const told = section(summary, name).replaceAll('\\', '');
				for (const { resourceType, code, vaccineCode, verificationStatus } of resources) {
					if (resourceType !== type || JSON.stringify(verificationStatus ?? '').includes('entered-in-error')) continue;
					const { text, coding } = (code ?? vaccineCode) as { text?: string; coding?: { display: string }[] };
					expect(told).toContain((text ?? coding?.[0]?.display)?.replace(/\s+/g, ' '));
				}
			}
		},
	);

	test('the US Core examples: labs with their ranges, what is out of them, reactions, devices and directives', async () => {
		const summary = await summarize(
			await delivered([{ name: 'Example', records: recordsOf('us-core-examples.json'), patient: { id: 'example' } }]),
		);
		expect(section(summary, 'labs')).toMatch(
			/### Out of range.*\n\n- \*\*Calcium, Blood\*\* \*\*LOW\*\*: 7\.7 mg\/dL \(range 8\.5–10\.5 mg\/dL\); 2005-07-05 — S1/,
		);
		// Its range is served the wrong way round, 46 to 38: nobody guesses.
		expect(section(summary, 'labs')).toMatch(/\*\*Hematocrit, Blood\*\*: 43 %/);
		expect(section(summary, 'allergies')).toMatch(
			/sulfonamide antibacterial\*\*: no date; criticality: high; reaction: skin rash \(mild\); /,
		);
		expect(section(summary, 'medications')).toMatch(
			/\*\*Nizatidine 15 MG\/ML Oral Solution\*\*: 2008-04-05; 10 mL bid/,
		);
		expect(section(summary, 'procedures')).toContain('**Knee joint prosthesis**');
		expect(section(summary, 'plans')).toContain('**No CPR: Do Not Attempt Resuscitation**');
		expect(section(summary, 'documents')).toContain('`01-example/documents/2024-10-08 Living Will PDF.pdf`');
		expect(section(summary, 'vitals')).toContain('Diastolic blood pressure no value: Unknown');
	});

	test('two different people in one delivery are said loudly', async () => {
		const [one, other] = ['Coleman', 'Keira'].map((name) =>
			recordsOf(files.find((file) => file.startsWith(name)) ?? ''),
		);
		const summary = await summarize(
			await delivered([
				{ name: 'A', records: one ?? [] },
				{ name: 'B', records: other ?? [] },
			]),
		);
		const lines = section(summary, 'patient');
		expect(lines).toContain('do not agree on the birth date');
		expect(lines).toContain('do not agree on the name');
	});
});

describe('a summary of one person from two places, one of them of DSTU2', () => {
	const person = people.find(({ username }) => username === 'camila') ?? people[0]!;
	const texts = (place: string) => generateRecord(person, { place, bytes: 300_000 });
	const sources: Delivered[] = [
		{ name: 'Harbor', records: [...texts('harbor').all()].map(({ text }) => text), fhirVersion: '4.0.1' },
		{ name: 'Heritage', records: [...toDstu2(texts('heritage')).all()].map(({ text }) => text), fhirVersion: '1.0.2' },
	].map((one) => ({ ...one, patient: patientOf(one.records), queries: answered('Condition?patient=x') }));

	test('agrees on who it is, and has both sources on the lines that they share', async () => {
		const summary = await summarize(await delivered(sources));
		expect(summary).not.toContain('ATTENTION');
		expect(section(summary, 'patient').match(/\*\*Camila María Ibáñez\*\*: born 1987-09-12; female/g)).toHaveLength(2);
		expect(section(summary, 'allergies')).toMatch(/\*\*Allergy to penicillin\*\*.* — S1, S2 `01-harbor\//);
		expect(section(summary, 'immunizations')).toMatch(/; also on \d{4}-\d\d-\d\d \(S[12]\) — S[12] /);
		expect(section(summary, 'medications')).toMatch(/1½ tablets daily.* `02-heritage\/MedicationOrder\//);
		expect(section(summary, 'encounters')).toMatch(/outpatient; with: Dr\. .*; at: General medicine/);
		expect(section(summary, 'vitals')).toMatch(/Systolic blood pressure \d+ mmHg, Diastolic blood pressure \d+ mmHg/);
		expect(section(summary, 'labs')).toMatch(/\*\*(LOW|HIGH)\*\*: .* \(range /);
		expect(section(summary, 'history')).toContain('Never smoked tobacco');
		expect(section(summary, 'documents')).toMatch(/`01-harbor\/documents\/.*\.(pdf|xml|html|rtf|txt)`/);
	});

	test('is the same whatever the order of the lines, from files or from memory', async () => {
		const shuffle = ({ records, ...rest }: Delivered, step: number) => ({
			...rest,
			records: records.map((_, i) => records[(i * step + 5) % records.length] ?? ''),
		});
		const prime = 7919;
		const [one, other] = [sources, sources.map((source) => shuffle(source, prime))].map((all) => summarize(held(all)));
		expect(await other).toBe(await one);
		const [first, second] = await Promise.all([
			summarize(await delivered(sources)),
			summarize(await delivered(sources)),
		]);
		expect(second).toBe(first);
	});

	test('keeps a number as it was served', async () => {
		const record = sources[0]?.records.find((text) => typeof text === 'string' && /"value":\d\.\d0,/.test(text));
		const [, value] = /"value":(\d\.\d0),/.exec(String(record)) ?? [];
		expect(value).toBeDefined();
		expect(await summarize(await delivered([{ name: 'A', records: [record ?? ''] }]))).toContain(value);
	});
});
