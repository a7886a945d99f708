import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { saysNoneKnown } from '../../../relay/agent/clinical/allergy.js';
import { type Fact, factOf, SECTIONS } from '../../../relay/agent/clinical/fact.js';
import { readNames } from '../../../relay/agent/clinical/names.js';
import { clean } from '../../../relay/agent/clinical/shape.js';
import { Smallest } from '../../../relay/agent/clinical/smallest.js';
import { held, type Json } from './delivered.js';
import { hostile } from './hostile.js';

const fact = (resourceType: string, body: Json, resolve: (reference: string) => Json | null = () => null): Fact =>
	factOf({ resourceType, ...body }, resolve);
const text = (words: string) => ({ text: words });
const coded = (code: string, system = 'http://example.org', display?: string) => ({
	coding: [{ system, code, ...(display && { display }) }],
});
const LOINC = 'http://loinc.org';
const observation = (body: Json) => fact('Observation', { code: text('Test'), ...body });

describe('a problem', () => {
	test('has the status that its version gives it, as a code or as a concept', () => {
		for (const clinicalStatus of ['active', coded('active'), [coded('active')]])
			expect(fact('Condition', { code: text('Asthma'), clinicalStatus })).toMatchObject({
				section: 'problems',
				title: 'Asthma',
				status: 'active',
				retracted: false,
			});
	});

	test('is over where it has an abatement and no status', () => {
		expect(fact('Condition', { abatementDateTime: '2020-01-02' })).toMatchObject({
			status: 'resolved',
			end: '2020-01-02',
		});
		expect(fact('Condition', { abatementBoolean: false })).toMatchObject({ status: null });
	});

	test.each([
		[{ verificationStatus: coded('entered-in-error') }, true],
		[{ verificationStatus: 'refuted' }, true],
		[{ verificationStatus: coded('provisional') }, false],
	])('%j is taken back: %s', (body, retracted) => {
		expect(fact('Condition', body).retracted).toBe(retracted);
	});

	test('tells an onset that is no date, and dates itself by when it was recorded', () => {
		const told = fact('Condition', { onsetString: 'in childhood', recordedDate: '2015-05-05' });
		expect(told.date).toBe('2015-05-05');
		expect(told.details).toContain('onset: in childhood');
		expect(fact('Condition', { onsetAge: { value: 40, unit: 'years' } }).details).toContain('onset: 40 years');
	});
});

describe('a medicine', () => {
	const medicine = { resourceType: 'Medication', code: { ...coded('197361', 'rxnorm'), text: 'amlodipine 5 MG' } };

	test.each([
		['R4', { medicationCodeableConcept: medicine.code }],
		['R4 by reference', { medicationReference: { reference: 'Medication/m1' } }],
		['contained', { contained: [{ ...medicine, id: 'in' }], medicationReference: { reference: '#in' } }],
		['R5 by concept', { medication: { concept: medicine.code } }],
		['R5 by reference', { medication: { reference: { reference: 'Medication/m1' } } }],
	])('has its name and code in %s', (_, body) => {
		const told = fact('MedicationRequest', body, (reference) => (reference === 'Medication/m1' ? medicine : null));
		expect([told.title, told.codes[0]?.code]).toEqual(['amlodipine 5 MG', '197361']);
	});

	test('is called what the reference calls it, where it is not among the records', () => {
		const medicationReference = { reference: 'Medication/gone', display: 'Lisinopril' };
		expect(fact('MedicationOrder', { medicationReference }).title).toBe('Lisinopril');
	});

	test('has the dosage as written, else what the parts of each version say', () => {
		const of = (dosage: Json, type = 'MedicationRequest', name = 'dosageInstruction') =>
			fact(type, { [name]: [dosage] }).details[0];
		expect(of({ text: '1½ tablets daily', doseQuantity: { value: 9 } })).toBe('1½ tablets daily');
		const timing = { repeat: { frequency: 2, period: 1, periodUnit: 'd' } };
		const r4 = { doseAndRate: [{ doseQuantity: { value: 500, unit: 'mg' } }], route: text('by mouth'), timing };
		expect(of(r4)).toBe('500 mg, by mouth, 2 × a day');
		const dstu2 = {
			quantityQuantity: { value: '1.50', unit: 'mL' },
			timing: { repeat: { period: 8, periodUnits: 'h' } },
		};
		expect(of(dstu2, 'MedicationStatement', 'dosage')).toBe('1.50 mL, 1 × in 8 hours');
		expect(of({ doseQuantity: { value: 1 }, asNeededBoolean: true })).toBe('dose 1, as needed');
		const given = { route: text('intravenous'), dose: { value: 2, unit: 'g' } };
		expect(fact('MedicationAdministration', { dosage: given }).details).toContain('2 g, intravenous');
	});

	test('that was not taken, not given, or must not be given says so', () => {
		expect(fact('MedicationStatement', { status: 'active', wasNotTaken: true }).status).toBe('not-taken');
		expect(fact('MedicationAdministration', { wasNotGiven: true }).retracted).toBe(true);
		expect(fact('MedicationRequest', { status: 'active', doNotPerform: true }).details[0]).toBe(
			'an order NOT to give it',
		);
	});
});

describe('an allergy', () => {
	test('has its reactions with their severity', () => {
		const reaction = [{ manifestation: [text('hives'), text('swelling')], severity: 'severe' }];
		expect(fact('AllergyIntolerance', { code: text('Penicillin G'), reaction })).toMatchObject({
			section: 'allergies',
			title: 'Penicillin G',
			details: ['reaction: hives, swelling (severe)'],
		});
		// R5: a CodeableReference.
		const r5 = [{ manifestation: [{ concept: text('hives') }], severity: 'mild' }];
		expect(fact('AllergyIntolerance', { reaction: r5 }).details).toEqual(['reaction: hives (mild)']);
	});

	test('of DSTU2 has a substance, and a status that is read as those of later versions', () => {
		const told = fact('AllergyIntolerance', { substance: text('Peanut'), status: 'unconfirmed', criticality: 'CRITH' });
		expect([told.title, told.status]).toEqual(['Peanut', 'active']);
		expect(told.details).toEqual(['criticality: high', 'unconfirmed']);
		expect(fact('AllergyIntolerance', { status: 'entered-in-error' }).retracted).toBe(true);
	});

	test('to nothing known is told by its code or its words, and no other is', () => {
		expect(saysNoneKnown(fact('AllergyIntolerance', { code: coded('716186003') }))).toBe(true);
		expect(saysNoneKnown(fact('AllergyIntolerance', { code: text('No known drug allergies') }))).toBe(true);
		expect(saysNoneKnown(fact('AllergyIntolerance', { code: text('Penicillin, no known cross-reaction') }))).toBe(
			false,
		);
	});
});

describe('a vaccine', () => {
	test('has its date and dose in every version', () => {
		const dstu2 = { date: '2012-03-04', vaccinationProtocol: [{ doseSequence: 2, seriesDoses: 3 }] };
		const r4 = {
			occurrenceDateTime: '2012-03-04',
			protocolApplied: [{ doseNumberPositiveInt: 2, seriesDosesString: '3' }],
		};
		const r5 = { occurrenceDateTime: '2012-03-04', protocolApplied: [{ doseNumber: '2', seriesDoses: '3' }] };
		for (const body of [dstu2, r4, r5])
			expect(fact('Immunization', body)).toMatchObject({
				date: '2012-03-04',
				details: ['dose 2 of 3'],
				retracted: false,
			});
	});

	test.each([{ status: 'not-done' }, { wasNotGiven: true }, { notGiven: true }])(
		'that was not given (%j) is taken back',
		(body) => {
			expect(fact('Immunization', body).retracted).toBe(true);
		},
	);
});

describe('which section an observation belongs to', () => {
	test.each([
		['its category', { category: [coded('laboratory')], code: coded('8867-4', LOINC) }, 'labs'],
		['its category, one concept in DSTU2', { category: coded('vital-signs') }, 'vitals'],
		['its category in words', { category: [text('Laboratory')] }, 'labs'],
		['its category', { category: [coded('social-history')] }, 'history'],
		['its code, where there is no category', { code: coded('8867-4', LOINC), valueQuantity: { value: 60 } }, 'vitals'],
		[
			'its code, where the category does not decide',
			{ category: [coded('exam')], code: coded('8867-4', LOINC) },
			'vitals',
		],
		['another category', { category: [coded('imaging')], valueQuantity: { value: 60 } }, 'reports'],
		['its shape: a range', { referenceRange: [{ text: 'negative' }] }, 'labs'],
		['its shape: a number', { valueQuantity: { value: 7 } }, 'labs'],
		['nothing that decides', { valueString: 'seen' }, 'reports'],
		[
			'being a panel alone',
			{ category: [coded('laboratory')], hasMember: [{ reference: 'Observation/1' }] },
			'reports',
		],
	])('is decided by %s', (_, body, section) => {
		expect(observation(body).section).toBe(section);
	});
});

describe('the value of an observation', () => {
	test.each([
		[{ valueQuantity: { value: 7.2, unit: '%' } }, { text: '7.2', number: 7.2, unit: '%' }],
		[{ valueQuantity: { value: '1.50', code: 'mg' } }, { text: '1.50', number: 1.5, unit: 'mg' }],
		[{ valueQuantity: { value: 0.1, comparator: '<' } }, { text: '<0.1', number: null, unit: null }],
		[{ valueCodeableConcept: text('Detected') }, { text: 'Detected', number: null, unit: null }],
		[{ valueString: 'cloudy' }, { text: 'cloudy', number: null, unit: null }],
		[{ valueBoolean: false }, { text: 'no', number: null, unit: null }],
		[{ valueInteger: 12 }, { text: '12', number: 12, unit: null }],
		[
			{ valueRange: { low: { value: 5, unit: 'mL' }, high: { value: 10, unit: 'mL' } } },
			{ text: '5–10 mL', number: null },
		],
		[{ valueRatio: { numerator: { value: 1 }, denominator: { value: 64 } } }, { text: '1:64', number: null }],
		[{ valueSampledData: { dimensions: 1, data: '1 2 E 4' } }, { text: 'a curve of 4 values, see the record' }],
		[{ valueTime: '08:30' }, { text: '08:30' }],
		[{ valueDateTime: '2020-02-03' }, { text: '2020-02-03' }],
		[{ valuePeriod: { start: '2020-02-03', end: '2020-02-05' } }, { text: '2020-02-03 to 2020-02-05' }],
	])('%j', (body, value) => {
		expect(observation(body).value).toMatchObject(value);
	});

	test('that is missing says why', () => {
		const told = observation({ dataAbsentReason: text('Specimen unsatisfactory') });
		expect([told.value, told.details]).toEqual([null, ['no value: Specimen unsatisfactory']]);
	});

	test('of a panel is in its parts, which have names though they were served without', () => {
		const part = (code: string, value: number) => ({
			code: coded(code, LOINC),
			valueQuantity: { value, unit: 'mmHg' },
		});
		const told = observation({
			category: [coded('vital-signs')],
			component: [part('8480-6', 120), part('8462-4', 80)],
		});
		expect(told.parts.map(({ title, value, section }) => [title, value?.text, section])).toEqual([
			['Systolic blood pressure', '120', 'vitals'],
			['Diastolic blood pressure', '80', 'vitals'],
		]);
	});
});

describe('a reference range and a flag', () => {
	const mg = (value: number) => ({ value, unit: 'mg/dL' });
	const range = (low: number, high: number, more: Json = {}) => ({ low: mg(low), high: mg(high), ...more });

	test('the lab goes first, even where it says normal about a value outside the range', () => {
		const of = (interpretation: unknown) =>
			observation({ valueQuantity: mg(200), referenceRange: [range(70, 99)], interpretation }).flag;
		expect(of([coded('N')])).toBe(null);
		expect(of(coded('L'))).toBe('low');
		expect(of([coded('HH')])).toBe('critical_high');
		expect(of([text('Abnormal')])).toBe('abnormal');
		expect(of(undefined)).toBe('high');
	});

	test('what the lab says and is no flag is told in its words', () => {
		const told = observation({
			valueQuantity: mg(200),
			referenceRange: [range(70, 99)],
			interpretation: [text('Resistant')],
		});
		expect([told.flag, told.details]).toEqual([null, ['interpretation: Resistant']]);
	});

	test.each([
		['another unit', mg(200), [{ high: { value: 5.5, unit: 'mmol/L' } }]],
		['no unit where the value has one', mg(200), [{ high: { value: 99 } }]],
		['a range for somebody only', mg(200), [range(70, 99, { appliesTo: [text('female')] })]],
		['several ranges', mg(200), [range(70, 99), range(70, 110)]],
		['a range the wrong way round', mg(200), [range(99, 70)]],
		['a value that is no number', { ...mg(200), comparator: '>' }, [range(70, 99)]],
		['a range in words', mg(200), [{ text: '70-99' }]],
	])('nobody guesses: %s gives none', (_, valueQuantity, referenceRange) => {
		expect(observation({ valueQuantity, referenceRange }).flag).toBe(null);
	});

	test('a range reads as a person would, each with what it is for', () => {
		const of = (referenceRange: Json[]) => observation({ referenceRange }).range;
		expect(of([range(4, 5.6)])).toBe('4–5.6 mg/dL');
		expect(of([{ low: mg(60) }])).toBe('≥ 60 mg/dL');
		expect(of([{ text: 'negative' }])).toBe('negative');
		const both = [range(12, 16, { appliesTo: [text('female')] }), range(13, 17, { type: text('therapeutic') })];
		expect(of(both)).toBe('female: 12–16 mg/dL; therapeutic: 13–17 mg/dL');
		expect(of([{ high: mg(10), meaning: coded('L', 'v2', 'Therapeutic Desired Level') }])).toBe(
			'Therapeutic Desired Level: ≤ 10 mg/dL',
		);
	});
});

describe('other kinds', () => {
	test.each([
		['Encounter', { type: [text('Office visit')], class: { code: 'AMB' } }, 'encounters', 'Office visit', 'outpatient'],
		['Encounter', { class: 'inpatient' }, 'encounters', 'Visit (inpatient)', undefined],
		['Procedure', { code: text('Colonoscopy'), outcome: text('clear') }, 'procedures', 'Colonoscopy', 'outcome: clear'],
		['DiagnosticReport', { code: text('CT'), conclusion: 'No stroke' }, 'reports', 'CT', 'conclusion: No stroke'],
		['DocumentReference', { description: 'Letter', type: text('Note') }, 'documents', 'Letter', 'Note'],
		['Goal', { description: 'Walk', targetDate: '2026-06-30' }, 'plans', 'Walk', 'due: 2026-06-30'],
		['CarePlan', { text: { div: '<div>Less <b>salt</b> &amp; more</div>' } }, 'plans', 'Less salt & more', 'care plan'],
		['Coverage', { payor: [{ display: 'Acme' }], type: text('PPO') }, 'coverage', 'Acme', 'PPO'],
		['Patient', { name: [{ given: ['Zoë'], family: ['Núñez'] }], gender: 'female' }, 'patient', 'Zoë Núñez', 'female'],
		['Media', { title: 'Scan' }, 'other', 'Scan', undefined],
		['Basic', {}, 'other', 'Basic', undefined],
	])('%s: %j', (type, body, section, title, detail) => {
		const told = fact(type, body);
		expect([told.section, told.title]).toEqual([section, title]);
		if (detail) expect(told.details).toContain(detail);
	});

	test('a relative has what is known of him, and answers have their questions', () => {
		const condition = [{ code: text('Diabetes'), onsetAge: { value: 50, unit: 'years' } }];
		const father = fact('FamilyMemberHistory', { relationship: text('father'), condition });
		expect([father.title, father.details]).toEqual(['Family: father', ['Diabetes (onset 50 years)']]);
		const item = [{ text: 'Feeling down', answer: [{ valueCoding: { display: 'Several days' } }] }];
		expect(fact('QuestionnaireResponse', { item }).details).toEqual(['Feeling down: Several days']);
		const group = { question: [{ text: 'Smokes', answer: [{ valueBoolean: true }] }] };
		expect(fact('QuestionnaireResponse', { group }).details).toEqual(['Smokes: yes']);
	});
});

describe('whatever a resource holds', () => {
	test('there is a fact, with every text in one clean line and of bounded length', () => {
		fc.assert(
			fc.property(hostile, (resource) => {
				const told = factOf(resource, () => resource);
				expect(SECTIONS).toContain(told.section);
				expect(told.title).not.toBe('');
				const json = JSON.stringify(told);
				expect(json.length).toBeLessThan(100_000);
				const texts: string[] = [];
				JSON.parse(json, (_, value) => {
					if (typeof value === 'string') texts.push(value);
					return value;
				});
				for (const one of texts) {
					expect(one).not.toMatch(
						/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069\u200e\u200f\u{e0000}-\u{e007f}]| {2}/u,
					);
					expect(one.length).toBeLessThanOrEqual(1000);
				}
			}),
			{ numRuns: 800 },
		);
	});

	test('a text is cut at whole characters, and says that it was', () => {
		expect(clean('🙂'.repeat(10), 5)).toBe('🙂🙂🙂🙂…');
		expect(clean('a\u2028b\u202ec\n\n d\ud800', 20)).toBe('a bc d\ufffd');
		expect(clean(' \t\u200b ')).toBe(null);
	});
});

describe('names', () => {
	test('lead to what is of the same source, by relative, versioned and absolute references', async () => {
		const doctor = { resourceType: 'Practitioner', id: 'd1', name: [{ text: 'Dr. Raman' }] };
		const role = { resourceType: 'PractitionerRole', id: 'r1', practitioner: { reference: 'Practitioner/d1' } };
		const library = held([
			{ name: 'A', records: [doctor, role] },
			{ name: 'B', records: [] },
		]);
		const names = await readNames(library);
		const [a, b] = library.index.sources.map(names);
		const by = (reference: string, resolve = a) =>
			fact('Procedure', { performer: [{ actor: { reference } }] }, resolve).details;
		for (const reference of [
			'Practitioner/d1',
			'https://ehr.example/fhir/Practitioner/d1/_history/2',
			'PractitionerRole/r1',
		])
			expect(by(reference)).toEqual(['by: Dr. Raman']);
		expect(by('Practitioner/d1', b)).toEqual([]);
	});
});

test('a bounded map keeps the same entries and the same sums in every order', () => {
	const keys = fc.array(fc.string({ maxLength: 2 }), { maxLength: 60 });
	fc.assert(
		fc.property(keys, fc.integer({ min: 1, max: 5 }), (added, most) => {
			const of = (order: string[]) => {
				const map = new Smallest<number>(most);
				for (const key of order)
					map.add(
						key,
						() => 1,
						(count) => count + 1,
					);
				return map.entries();
			};
			const kept = of(added);
			expect(kept).toEqual(of([...added].reverse()));
			expect(kept.map(([key]) => key)).toEqual([...new Set(added)].sort().slice(0, most));
			for (const [key, count] of kept) expect(count).toBe(added.filter((one) => one === key).length);
		}),
	);
});
