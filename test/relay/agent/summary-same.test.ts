/** What is one line in the summary and what is not: two records that differ must both be told, or be counted. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RULES } from '../../../relay/agent/summary/sections.js';
import { summarize } from '../../../relay/agent/summary/summary.js';
import { held, type Json } from './delivered.js';

const coded = (system: string) => (code: string, text: string, display?: string) => ({
	text,
	coding: [{ system, code, ...(display && { display }) }],
});
const snomed = coded('http://snomed.info/sct');
const loinc = coded('http://loinc.org');
const rxnorm = coded('http://www.nlm.nih.gov/research/umls/rxnorm');
const unknown = (text: string) => coded('http://terminology.hl7.org/CodeSystem/v3-NullFlavor')('UNK', text);

/** The lines of a section without its gaps; ids are `1`, `2`, … within a source. */
async function lines(name: keyof typeof RULES, ...sources: Json[][]): Promise<string[]> {
	const all = sources.map((records, i) => ({
		name: `Source ${i + 1}`,
		records: records.map((one, at) => ({ id: String(at + 1), ...one })),
	}));
	const summary = await summarize(held(all));
	const found = summary.split(/^(?=## )/m).find((one) => one.startsWith(`## ${RULES[name].heading}\n`)) ?? '';
	return found.split('\n').filter((line) => /^(?: {2})?- |^###/.test(line));
}

const allergy = (code: Json, reaction: string, more: Json = {}): Json => ({
	resourceType: 'AllergyIntolerance',
	clinicalStatus: 'active',
	code,
	reaction: [{ manifestation: [{ text: reaction }], ...more }],
});
const order = (concept: Json, more: Json = {}): Json => ({
	resourceType: 'MedicationRequest',
	status: 'active',
	intent: 'order',
	medicationCodeableConcept: concept,
	...more,
});
const lab = (code: Json, value: Json, more: Json = {}): Json => ({
	resourceType: 'Observation',
	status: 'final',
	category: [{ coding: [{ code: 'laboratory' }] }],
	effectiveDateTime: '2024-01-01T10:00:00Z',
	code,
	valueQuantity: value,
	...more,
});

test('two allergies of one code that differ are both told, the graver first, each with its own source', async () => {
	const code = snomed('91936005', 'Penicillin allergy');
	const mild = { ...allergy(code, 'mild rash', { severity: 'mild' }), recordedDate: '2021-05-01' };
	const grave = {
		...allergy(code, 'anaphylaxis', { severity: 'severe' }),
		criticality: 'high',
		recordedDate: '2010-05-01',
	};
	const told = [
		'### Active',
		'- **Penicillin allergy**: 2010-05-01; reaction: anaphylaxis (severe); criticality: high — S2 `02-source/AllergyIntolerance/1`',
		'  - 2021-05-01; reaction: mild rash (mild) — S1 `01-source/AllergyIntolerance/1`',
	];
	expect(await lines('allergies', [mild], [grave])).toEqual(told);
	// And of one source, without a date.
	const [first, second] = [allergy(code, 'mild rash'), allergy(code, 'anaphylaxis')];
	const alone = (await lines('allergies', [first, second])).join('\n');
	expect(alone).toMatch(/anaphylaxis — S1 .*\n.*mild rash — S1/);
	// What is alike is one line.
	expect((await lines('allergies', [first], [first])).slice(1)).toEqual([
		'- **Penicillin allergy**: no date; reaction: mild rash — S1, S2 `01-source/AllergyIntolerance/1`',
	]);
});

test('an older allergy is never crowded out by many milder ones', async () => {
	const code = snomed('91936005', 'Penicillin allergy');
	const many = Array.from({ length: 60 }, (_, i) => ({
		...allergy(code, `rash ${i}`),
		recordedDate: `2020-01-${String((i % 28) + 1).padStart(2, '0')}`,
	}));
	const old = { ...allergy(code, 'anaphylaxis', { severity: 'severe' }), recordedDate: '1990' };
	const told = await lines('allergies', [...many, old]);
	expect(told[1]).toContain('reaction: anaphylaxis (severe)');
	expect(told).toHaveLength(12);
	expect(told[1]).toContain('61 records');
});

test('codes that say unknown, and generic ones, make nothing the same', async () => {
	const names = ['Peanut', 'Shellfish', 'Latex', 'Bee venom', 'Amoxicillin'];
	for (const concept of [
		unknown,
		(text: string) => coded('urn:oid:1.2.3')('OTH', text),
		(text: string) => coded('urn:oid:1.2.3')('4711', text),
		(text: string) => ({ text, coding: [{ code: 'A1' }] }),
		(text: string) => snomed('419199007', text),
		// One source that has several titles for one code means several things.
		(text: string) => snomed('300916003', text),
	]) {
		const told = (
			await lines(
				'allergies',
				names.map((name) => allergy(concept(name), 'hives')),
			)
		).join('\n');
		for (const name of names) expect(told).toContain(`- **${name}**: `);
	}
	const medicines = ['Metformin', 'Warfarin', 'Digoxin'];
	const told = (
		await lines(
			'medications',
			medicines.map((name) => order(unknown(name))),
		)
	).join('\n');
	for (const name of medicines) expect(told).toContain(`- **${name}**: `);
});

test('nor between two sources; and one title is one thing, with such a code or without any', async () => {
	const substance = (text: string) => [allergy(snomed('419199007', text), 'hives')];
	expect(await lines('allergies', substance('Peanut'), substance('Latex'))).toHaveLength(3);
	const shot = (text: string) => [
		{
			resourceType: 'Immunization',
			status: 'completed',
			vaccineCode: coded('http://hl7.org/fhir/sid/cvx')('UNK', text),
		},
	];
	expect(await lines('immunizations', shot('MMR'), shot('Tdap'))).toHaveLength(2);
	const ips = coded('http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips')('no-known-allergies', 'None known');
	const none = await lines('allergies', [allergy(ips, 'none')], [allergy({ text: 'None known' }, 'none')]);
	expect(none[1]).toContain(' — S1, S2 ');
});

test("a relative's illness is that relative's", async () => {
	const family = (relative: string) => ({
		resourceType: 'FamilyMemberHistory',
		status: 'completed',
		relationship: { text: relative },
		condition: [{ code: snomed('44054006', 'Diabetes') }],
	});
	const told = (await lines('history', [family('father')], [family('mother')])).join('\n');
	expect(told).toMatch(/Family: father\*\*: .*Diabetes.* — S1 /);
	expect(told).toMatch(/Family: mother\*\*: .*Diabetes.* — S2 /);
});

test('a lab is known by its LOINC code, whatever generic code stands beside it', async () => {
	const beside = (code: string, text: string) => ({
		text,
		coding: [
			{ system: 'http://snomed.info/sct', code: '108252007', display: 'Laboratory procedure' },
			{ system: 'http://loinc.org', code },
		],
	});
	const told = await lines('labs', [
		lab(
			beside('718-7', 'Hemoglobin'),
			{ value: 6.1, unit: 'g/dL' },
			{ interpretation: [{ coding: [{ code: 'LL' }] }] },
		),
		lab(
			beside('2823-3', 'Potassium'),
			{ value: 7.1, unit: 'mmol/L' },
			{ interpretation: [{ coding: [{ code: 'HH' }] }] },
		),
	]);
	expect(told.slice(1).map((line) => line.replace(/;.*/, ''))).toEqual([
		'- **Hemoglobin** **CRITICALLY LOW**: 6.1 g/dL',
		'- **Potassium** **CRITICALLY HIGH**: 7.1 mmol/L',
	]);
	// The same test under another name, elsewhere without that code.
	const one = lab(beside('718-7', 'Hemoglobin'), { value: 6.1, unit: 'g/dL' });
	const other = lab(loinc('718-7', 'Hb'), { value: 7, unit: 'g/dL' }, { effectiveDateTime: '2023-01-01' });
	expect((await lines('labs', [one], [other]))[1]).toContain('before: 7 g/dL (2023-01-01, S2); also called: Hb');
});

test('what was before is of the same unit and kind, and two spellings of one unit are one', async () => {
	const glucose = loinc('2345-7', 'Glucose');
	const at = (day: string) => ({ effectiveDateTime: day });
	const told = await lines('labs', [
		lab(glucose, { value: 90, unit: 'mg/dL' }, at('2024-03-01')),
		lab(glucose, { value: 5.1, unit: 'mmol/L' }, at('2024-02-01')),
		lab(glucose, { value: 5.4, unit: 'mmol/l' }, at('2024-01-01')),
		{ ...lab(glucose, {}, at('2023-01-01')), valueQuantity: undefined, valueString: 'raised' },
	]);
	expect(told.slice(1).map((line) => line.replace(/ — .*/, ''))).toEqual([
		'- **Glucose**: 90 mg/dL; 2024-03-01',
		'- **Glucose**: 5.1 mmol/L; 2024-02-01; before: 5.4 mmol/l (2024-01-01)',
		'- **Glucose**: raised; 2023-01-01',
	]);
});

test('reports, procedures, problems and visits of one day and code are told with what each says', async () => {
	const report = (conclusion: string) => ({
		resourceType: 'DiagnosticReport',
		status: 'final',
		code: loinc('60568-3', 'Pathology report'),
		effectiveDateTime: '2024-03-02',
		conclusion,
	});
	const reports = await lines('reports', [report('benign naevus'), report('MALIGNANT MELANOMA')]);
	expect(reports).toHaveLength(2);
	expect(reports.join('\n')).toContain('MALIGNANT MELANOMA');
	expect(reports.join('\n')).toContain('benign naevus');
	const cataract = (side: string) => ({
		resourceType: 'Procedure',
		status: 'completed',
		code: snomed('54885007', 'Cataract extraction'),
		performedDateTime: '2024-03-02',
		bodySite: [{ text: side }],
	});
	expect(await lines('procedures', [cataract('Left eye'), cataract('Right eye')])).toEqual([
		'- **Cataract extraction**: 2024-03-02; site: Left eye — S1 `01-source/Procedure/1`',
		'  - 2024-03-02; site: Right eye — S1 `01-source/Procedure/2`',
	]);
	const cancer = (side: string) => ({
		resourceType: 'Condition',
		clinicalStatus: 'active',
		code: snomed('254837009', 'Breast cancer'),
		onsetDateTime: '2024-01-01',
		bodySite: [{ text: side }],
	});
	const problems = (await lines('problems', [cancer('Left breast'), cancer('Right breast')])).join('\n');
	expect(problems).toMatch(/\*\*Breast cancer\*\*: since 2024-01-01; site: Left breast .*\n {2}- .*site: Right breast/);
	const visit = (display: string) => ({
		resourceType: 'Encounter',
		status: 'finished',
		type: [snomed('185349003', 'Check up')],
		period: { start: '2024-01-01' },
		serviceProvider: { display },
	});
	const visits = (await lines('encounters', [visit('Clinic A')], [visit('Hospital B')])).join('\n');
	expect(visits).toMatch(/at: Clinic A — S1 .*\n {2}- 2024-01-01; at: Hospital B — S2 /);
});

test('what finds no line of its own is counted', async () => {
	const cut = (i: number) => ({
		resourceType: 'Procedure',
		status: 'completed',
		code: snomed('54885007', 'Biopsy'),
		performedDateTime: '2024-03-02',
		bodySite: [{ text: `Site ${i}` }],
	});
	const told = await lines(
		'procedures',
		Array.from({ length: 9 }, (_, i) => cut(i)),
	);
	expect(told).toHaveLength(1 + RULES.procedures.others);
	expect(told[0]).toContain('5 more of that day');
	const shot = (lotNumber: string) => ({
		resourceType: 'Immunization',
		status: 'completed',
		vaccineCode: coded('http://hl7.org/fhir/sid/cvx')('03', 'MMR'),
		occurrenceDateTime: '2024-03-02',
		lotNumber,
	});
	expect((await lines('immunizations', [shot('A'), shot('B')]))[0]).toContain('1 more of that day');
	const many = Array.from({ length: 30 }, (_, i) => lab(loinc('718-7', 'Hb'), { value: i, unit: 'g/dL' }));
	expect((await lines('labs', many))[1]).toMatch(/; also at that time: .*; 25 more of that day: search kind labs — /);
});

test('of two results of one time the corrected one holds, then the one issued later; the other is told', async () => {
	const potassium = loinc('2823-3', 'Potassium');
	const of = (value: number, status: string, issued: string) =>
		lab(potassium, { value, unit: 'mmol/L' }, { status, issued });
	const told = async (...records: Json[]) => (await lines('labs', records))[1]?.replace(/ — .*/, '');
	const early = of(3.1, 'preliminary', '2024-01-01T16:00:00Z');
	const late = of(7.1, 'corrected', '2024-01-01T15:00:00Z');
	const one = '- **Potassium**: 7.1 mmol/L; 2024-01-01; corrected; also at that time: 3.1 mmol/L (preliminary)';
	expect(await told(early, late)).toBe(one);
	expect(await told(late, early)).toBe(one);
	expect(await told(of(3.1, 'final', '2024-01-01T11:00:00Z'), of(7.1, 'final', '2024-01-01T15:00:00Z'))).toBe(
		'- **Potassium**: 7.1 mmol/L; 2024-01-01; also at that time: 3.1 mmol/L',
	);
	// Of a day alone, or of no date at all, nobody knows which was later.
	const days = [undefined, '2024-01-01'].map(async (effectiveDateTime) =>
		told(...[3.1, 7.1].map((value) => ({ ...lab(potassium, { value, unit: 'mmol/L' }), effectiveDateTime }))),
	);
	expect(await Promise.all(days)).toEqual([
		'- **Potassium**: 3.1 mmol/L; no date; also without a date: 7.1 mmol/L',
		'- **Potassium**: 3.1 mmol/L; 2024-01-01; also of that day: 7.1 mmol/L',
	]);
	// The same value, confirmed: one result.
	expect(await told({ ...early, status: 'final' }, early)).toBe('- **Potassium**: 3.1 mmol/L; 2024-01-01');
});

test('one value and time from two sources has the worse flag of the two', async () => {
	const hb = lab(loinc('718-7', 'Hb'), { value: 5, unit: 'g/dL' });
	const flagged = { ...hb, interpretation: [{ coding: [{ code: 'LL' }] }] };
	for (const [one, other] of [
		[hb, flagged],
		[flagged, hb],
	])
		expect(await lines('labs', [one ?? {}], [other ?? {}])).toEqual([
			'### Out of range, or called abnormal by the laboratory',
			'- **Hb** **CRITICALLY LOW**: 5 g/dL; 2024-01-01 — S1, S2 `01-source/Observation/1`',
		]);
});

test('active orders of one medicine are all told, and none as what was before', async () => {
	const warfarin = (text: string, authoredOn = '2024-01-01') =>
		order(rxnorm('11289', 'Warfarin'), { authoredOn, dosageInstruction: [{ text }] });
	expect(await lines('medications', [warfarin('5 mg daily'), warfarin('2 mg daily')])).toEqual([
		'### Active',
		'- **Warfarin**: 2024-01-01; 2 mg daily — S1 `01-source/MedicationRequest/2`',
		'  - also active, 2024-01-01; 5 mg daily — S1 `01-source/MedicationRequest/1`',
	]);
	const four = [1, 2, 3, 4].map((i) => warfarin(`${i} tablets`, `2024-01-0${i}`));
	// Renewed thirty times since: the others are still told.
	const renewed = Array.from({ length: 30 }, (_, i) =>
		warfarin('4 tablets', `2024-02-${String(i % 28).padStart(2, '1')}`),
	);
	const told = (await lines('medications', [...four, ...renewed])).join('\n');
	for (const i of [1, 2, 3]) expect(told).toContain(`  - also active, 2024-01-0${i}; ${i} tablets — S1`);
	expect(told).not.toContain('before');
});

test('active here and stopped there is said in both lines, with the source', async () => {
	const sertraline = (status: string, authoredOn: string) =>
		order(rxnorm('312941', 'Sertraline'), { status, authoredOn });
	const told = await lines('medications', [sertraline('stopped', '2026-01-15')], [sertraline('active', '2016-03-29')]);
	expect(told).toEqual([
		'### Active',
		'- **Sertraline**: NEWER RECORD: stopped, 2026-01-15 (S1); 2016-03-29 — S2 `02-source/MedicationRequest/1`',
		'### Stopped, completed or over',
		'- **Sertraline**: older record: active, 2016-03-29 (S2); 2026-01-15; stopped — S1 `01-source/MedicationRequest/1`',
	]);
	const asthma = (clinicalStatus: string, onsetDateTime: string, more: Json = {}) => ({
		resourceType: 'Condition',
		clinicalStatus,
		code: snomed('195967001', 'Asthma'),
		onsetDateTime,
		...more,
	});
	const problems = await lines('problems', [
		asthma('active', '2022-01-01'),
		asthma('resolved', '2021-01-01', { abatementDateTime: '2023-05-06' }),
	]);
	expect(problems[1]).toContain('**Asthma**: NEWER RECORD: resolved, until 2023-05-06 (S1); since 2022-01-01');
	expect(problems[3]).toContain('older record: active, 2022-01-01 (S1); since 2021-01-01 until 2023-05-06');
	// Nobody knows which of them holds.
	expect((await lines('problems', [asthma('active', '2022'), asthma('resolved', '2022-05-01')]))[1]).toContain(
		'ANOTHER RECORD: resolved, 2022-05-01',
	);
});

test('a plan is called one only where nothing was ordered, and a problem began where the earliest record says', async () => {
	const statin = (intent: string, authoredOn: string) =>
		order(rxnorm('617312', 'Atorvastatin'), { intent, authoredOn });
	const plans = [statin('plan', '2025-09-18'), statin('plan', '2024-01-01')];
	expect((await lines('medications', plans))[1]).toMatch(
		/: 2025-09-18; a plan, not an order; 2 records since 2024-01-01 — /,
	);
	expect((await lines('medications', [...plans, statin('order', '2022-06-13')]))[1]).toContain(
		'2025-09-18; the newest record is a plan, not an order; ordered 2022-06-13 (active); 3 records since 2022-06-13',
	);
	const problem = (onsetDateTime: string, clinicalStatus = 'active') => ({
		resourceType: 'Condition',
		clinicalStatus,
		code: snomed('35489007', 'Depression'),
		onsetDateTime,
	});
	expect((await lines('problems', [problem('2025-01-17'), problem('2024-04-29')]))[1]).toContain(
		': since 2024-04-29 (the newest record: 2025-01-17); 2 records — S1',
	);
	expect((await lines('problems', [problem('2025-01-17', 'resolved')]))[1]).toContain(
		'resolved, its end is not recorded',
	);
});

test('what does not fit is said to be missing and where it is, and a critical part is told first', async () => {
	const parts = Array.from({ length: 12 }, (_, i) => ({
		code: { text: `C${i}` },
		valueQuantity: { value: i, unit: 'u' },
		...(i === 11 && { interpretation: [{ coding: [{ code: 'HH' }] }] }),
	}));
	const [, panel] = await lines('labs', [
		{ ...lab(loinc('1-8', 'Panel'), {}), valueQuantity: undefined, component: parts },
	]);
	expect(panel).toContain('**CRITICALLY HIGH**: C11 11 u CRITICALLY HIGH, C0 0 u');
	expect(panel).toContain('… 4 more parts: read 01-source/Observation/1');
	const note = 'long words '.repeat(17);
	const [procedure] = await lines('procedures', [
		{
			resourceType: 'Procedure',
			status: 'completed',
			code: { text: 'Biopsy' },
			bodySite: [{ text: note }],
			outcome: { text: note },
			note: [{ text: note }],
		},
	]);
	expect(procedure).toMatch(/; … more: read `01-source\/Procedure\/1` — S1 `01-source\/Procedure\/1`$/);
	const dosages = [1, 2, 3].map((i) => ({ text: `${i} ${'mg in the morning '.repeat(15)}` }));
	const [, medicine] = await lines('medications', [order({ text: 'Prednisone' }, { dosageInstruction: dosages })]);
	expect(medicine).not.toContain('… more: read');
	expect(medicine).toContain('3 mg in the morning');
});

test('a word of another person, or with a modifier, is never merged into that of the patient', async () => {
	const hiv = lab(loinc('31201-7', 'HIV'), {}, { valueQuantity: undefined, valueString: 'Positive' });
	const donor = { ...hiv, focus: [{ reference: 'Patient/donor', display: 'Kidney donor' }] };
	const told = (await lines('labs', [hiv, donor])).join('\n');
	expect(told).toContain('- **HIV**: Positive; 2024-01-01; about: Kidney donor — S1 `01-source/Observation/2`');
	expect(told).toContain('- **HIV**: Positive; 2024-01-01 — S1 `01-source/Observation/1`');
});

test('what merges does so whatever the order of the records', async () => {
	const pick = <T>(...values: T[]) => fc.constantFrom(...values);
	const day = pick(undefined, '2020', '2020-01-01', '2020-01-02', '2020-01-01T08:00:00Z', '2021-05-01');
	const code = fc
		.record({
			system: pick('http://loinc.org', 'http://snomed.info/sct', 'urn:local'),
			code: pick('1', '2', 'UNK'),
			text: pick('A', 'a', 'B', 'C'),
		})
		.map(({ system, code, text }) => coded(system)(code, text));
	const words = pick('one', 'two', 'anaphylaxis', 'three');
	const any = fc.record({
		id: fc.uuid(),
		at: fc.nat(),
		source: pick(0, 1, 2),
		one: fc.oneof(
			fc
				.record({
					code,
					words,
					criticality: pick('high', 'low'),
					recordedDate: day,
					clinicalStatus: pick('active', 'resolved'),
				})
				.map(({ code, words, ...more }) => ({ ...allergy(code, words), ...more })),
			fc
				.record({
					code,
					authoredOn: day,
					words,
					status: pick('active', 'stopped', 'completed'),
					intent: pick('plan', 'order'),
				})
				.map(({ code, words, ...more }) => order(code, { ...more, dosageInstruction: [{ text: words }] })),
			fc
				.record({
					code,
					effectiveDateTime: day,
					value: pick(1, 2, 3),
					unit: pick('mg', 'g'),
					status: pick('final', 'preliminary', 'corrected'),
					issued: pick(undefined, '2022-01-01T00:00:00Z', '2023-01-01T00:00:00Z'),
					interpretation: pick(undefined, [{ text: 'H' }], [{ text: 'LL' }], [{ text: 'odd' }]),
				})
				.map(({ code, value, unit, ...more }) => lab(code, { value, unit }, more)),
		),
	});
	await fc.assert(
		fc.asyncProperty(fc.array(any, { minLength: 20, maxLength: 120 }), async (some) => {
			const summaryOf = (all: typeof some) => {
				const of = (source: number) =>
					all.filter((one) => one.source === source).map(({ id, one }) => ({ ...one, id }));
				return summarize(held([0, 1, 2].map((source) => ({ name: 'A', records: of(source) }))));
			};
			const one = await summaryOf(some);
			expect(await summaryOf(some.toSorted((a, b) => a.at - b.at))).toBe(one);
			expect(one).not.toContain('undefined');
			expect(one).not.toContain('null');
		}),
		{ numRuns: 40 },
	);
});
