import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { saysNoneKnown } from '../../../relay/agent/clinical/allergy.js';
import { type Fact, type Resolve, SECTIONS } from '../../../relay/agent/clinical/fact.js';
import { factOf } from '../../../relay/agent/clinical/fact-of.js';
import { readNames } from '../../../relay/agent/clinical/names.js';
import { Smallest } from '../../../relay/agent/clinical/smallest.js';
import { isOver } from '../../../relay/agent/clinical/status.js';
import { clean } from '../../../relay/agent/json.js';
import { held, type Json } from './delivered.js';
import { hostile } from './hostile.js';

const fact = (resourceType: string, body: Json, resolve: Resolve = () => null): Fact =>
	factOf({ resourceType, ...body }, resolve);
const text = (words: string) => ({ text: words });
const coded = (code: string, system = 'http://example.org', display?: string) => ({
	coding: [{ system, code, ...(display && { display }) }],
});
const LOINC = 'http://loinc.org';
const HL7 = 'http://terminology.hl7.org/CodeSystem/condition-clinical';
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
		[{ verificationStatus: { coding: [{ code: '9' }, ...coded('entered-in-error', HL7).coding] } }, true],
		[{ verificationStatus: { coding: [{ code: '9', display: 'Entered in Error' }] } }, true],
		[{ verificationStatus: { coding: [{ code: 'confirmed' }], text: 'entered in error' } }, true],
	])('%j is taken back: %s', (body, retracted) => {
		expect(fact('Condition', body).retracted).toBe(retracted);
	});

	test.each([
		[{ coding: [{ code: '1' }, ...coded('active', HL7).coding] }, 'active'],
		[{ coding: [...coded('resolved').coding, ...coded('active', HL7).coding] }, 'active'],
		[coded('55561003', 'http://snomed.info/sct'), 'active'],
		[coded('73425007', 'http://snomed.info/sct', 'Inactive'), 'inactive'],
		[{ coding: [{ code: 'A', display: 'Active' }] }, 'active'],
		[{ coding: [{ code: '1' }], text: 'Resolved' }, 'resolved'],
		[text('Chronic'), 'chronic'],
	])('has the status that any of its codings gives: %j', (clinicalStatus, status) => {
		expect(fact('Condition', { clinicalStatus }).status).toBe(status);
	});

	test('a status in words that nobody knows says neither that it is over nor that it is not', () => {
		expect(['resolved', 'completed', 'chronic', 'active', 'unknown', null].map(isOver)).toEqual([
			true,
			true,
			false,
			false,
			false,
			false,
		]);
	});

	test('is not over for words in the place of its end', () => {
		const told = fact('Condition', { abatementString: 'ongoing' });
		expect([told.status, told.details]).toEqual([null, ['abatement: ongoing']]);
	});

	test('tells an onset that is no date, and dates itself by when it was recorded', () => {
		const told = fact('Condition', { onsetString: 'in childhood', recordedDate: '2015-05-05' });
		expect(told.date).toBe('2015-05-05');
		expect(told.details).toContain('onset: in childhood');
		expect(told.recorded).toBe(true);
		expect(fact('Condition', { onsetDateTime: '2014', recordedDate: '2015-05-05' }).recorded).toBeUndefined();
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

	test.each([
		[{ repeat: { dayOfWeek: ['mon'], timeOfDay: ['08:00:00'] } }, '15 mg, on Monday, at 08:00'],
		[{ repeat: { frequency: 1, period: 4, periodMax: 6, periodUnit: 'h' } }, '15 mg, 1 × in 4 to 6 hours'],
		[{ repeat: { frequency: 1, frequencyMax: 2, period: 1, periodUnit: 'd' } }, '15 mg, 1 to 2 × a day'],
		[
			{ code: text('BID'), repeat: { boundsDuration: { value: 10, unit: 'days' }, when: ['PC'] } },
			'15 mg, BID, PC, for 10 days',
		],
		[{ repeat: { count: 3, boundsPeriod: { end: '2024-03-01' } } }, '15 mg, until: 2024-03-01, times in all: 3'],
		[{ event: ['2024-03-01', '2024-03-08'] }, '15 mg, on 2024-03-01, 2024-03-08'],
	])('says all of when: %j', (timing, said) => {
		const dosage = [{ doseQuantity: { value: 15, unit: 'mg' }, timing }];
		expect(fact('MedicationRequest', { dosageInstruction: dosage }).details).toEqual([said]);
	});

	test('says how much is too much, and what the patient is told besides the dose', () => {
		const maxDosePerPeriod = { numerator: { value: 4, unit: 'g' }, denominator: { value: 24, unit: 'h' } };
		const dosage = { doseQuantity: { value: 1, unit: 'g' }, maxDosePerPeriod, patientInstruction: 'With food' };
		expect(fact('MedicationRequest', { dosageInstruction: [dosage] }).details).toEqual([
			'1 g, at most 4 g / 24 h, With food',
		]);
	});

	test('has every step of a taper, and says where there are more than are told', () => {
		const steps = (count: number) => Array.from({ length: count }, (_, i) => text(`${40 - i} mg`));
		expect(fact('MedicationRequest', { dosageInstruction: steps(8) }).details).toHaveLength(8);
		const told = fact('MedicationRequest', { dosageInstruction: steps(14) }).details;
		expect(told.at(-1)).toBe('and 2 more dosages: read the record');
	});

	test('without a name has those of its ingredients', () => {
		const pump = { resourceType: 'Medication', ingredient: [{ itemCodeableConcept: text('Morphine') }] };
		expect(fact('MedicationRequest', { medicationReference: { reference: 'Medication/1' } }, () => pump).title).toBe(
			'Morphine',
		);
		const r5 = { ingredient: [{ item: { concept: text('Digoxin') } }, { item: { concept: text('Water') } }] };
		expect(fact('Medication', r5).title).toBe('Digoxin + Water');
		expect(fact('Medication', { product: { ingredient: [{ item: { display: 'Gold' } }] } }).title).toBe('Gold');
	});

	test('that another server knows says where, and takes no name from here', () => {
		const reference = 'https://pharmacy.example/fhir/Medication/1';
		expect(fact('MedicationRequest', { medicationReference: { reference } })).toMatchObject({
			title: 'MedicationRequest',
			details: [`which medicine is not among these records, but at: ${reference}`],
		});
	});

	test('that nobody ordered says so', () => {
		const told = fact('MedicationRequest', { intent: 'plan', reportedBoolean: true });
		expect([told.planned, told.details]).toEqual([true, ['a plan, not an order', 'as reported']]);
		expect(fact('MedicationRequest', { intent: 'order' }).planned).toBeUndefined();
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

	test('has its worst reactions first, and says where there are more than are told', () => {
		const reactions = Array.from({ length: 13 }, (_, i) => ({ manifestation: [text(`rash ${i}`)], severity: 'mild' }));
		const worst = { manifestation: [text('anaphylaxis')], severity: 'severe' };
		const { details } = fact('AllergyIntolerance', { reaction: [...reactions, worst] });
		expect(details[0]).toBe('reaction: anaphylaxis (severe)');
		expect(details.at(-1)).toBe('and 2 more reactions: read the record');
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
		expect(saysNoneKnown(fact('AllergyIntolerance', { code: coded('no-known-allergies') }))).toBe(true);
		expect(saysNoneKnown(fact('AllergyIntolerance', { code: text('No allergy information available') }))).toBe(false);
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

test('of a panel of very many parts those out of their range stay, and that there are more is said', () => {
	const component = Array.from({ length: 60 }, (_, i) => ({
		code: text(`Part ${i}`),
		valueInteger: i,
		...(i === 59 && { interpretation: [coded('HH')] }),
	}));
	const { parts, details } = observation({ component });
	expect(parts).toHaveLength(40);
	expect(parts[0]).toMatchObject({ title: 'Part 59', flag: 'critical_high' });
	expect(details).toEqual(['and 20 more parts: read the record']);
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

	test.each([
		['H*', 'high'],
		['LL!', 'critical_low'],
		['Above reference range', 'high'],
		['BELOW REFERENCE RANGE', 'low'],
		['HIGH PANIC', 'critical_high'],
		['Low alert', 'critical_low'],
		['Within normal limits', null],
		['Negative', null],
	])('the lab says %s in its own way', (words, flag) => {
		const body = { valueQuantity: mg(80), referenceRange: [range(70, 99)] };
		expect(observation({ ...body, interpretation: [text(words)] }).flag).toBe(flag);
	});

	test.each(['Resistant', 'See comment', 'Significant change up', 'not high'])(
		'what the lab says and is no flag is told in its words, and its range compared: %s',
		(words) => {
			const of = (value: number) =>
				observation({ valueQuantity: mg(value), referenceRange: [range(70, 99)], interpretation: [text(words)] });
			expect([of(200).flag, of(80).flag, of(80).details]).toEqual(['high', null, [`interpretation: ${words}`]]);
		},
	);

	test.each([
		['>', 600, 'high'],
		['>', 99, 'high'],
		['>', 98, null],
		['>=', 99, null],
		['>=', 100, 'high'],
		['<', 70, 'low'],
		['<', 71, null],
		['<=', 69, 'low'],
		['<=', 70, null],
		['<', 200, null],
		['~', 600, null],
	])(
		'a value beyond what was measured is out of range where it can be nowhere else: %s%d',
		(comparator, value, flag) => {
			const valueQuantity = { ...mg(value), comparator };
			expect(observation({ valueQuantity, referenceRange: [range(70, 99)] }).flag).toBe(flag);
		},
	);

	test.each([
		['mmol/L', 'mmol/l'],
		['\u00b5g/L', '\u03bcg/L'],
		['ug/dL', 'mcg/dL'],
		['10*3 / uL', '10*3/uL'],
		['mg/dL', undefined],
	])('a unit is one however it is written: %s, %s', (unit, other) => {
		const referenceRange = [{ low: { value: 8, unit: other }, high: { value: 10, unit: other } }];
		expect(observation({ valueQuantity: { value: 16.9, unit }, referenceRange }).flag).toBe('high');
	});

	test.each([
		['another unit', mg(200), [{ high: { value: 5.5, unit: 'mmol/L' } }]],
		['a unit where the value has none', { value: 200 }, [range(70, 99)]],
		['milligrams for megagrams', { value: 200, unit: 'Mg/dL' }, [range(70, 99)]],
		['a range for somebody only', mg(200), [range(70, 99, { appliesTo: [text('female')] })]],
		['several ranges', mg(200), [range(70, 99), range(70, 110)]],
		['a range the wrong way round', mg(200), [range(99, 70)]],
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

	test('what no reader can tell is still there', () => {
		const fails = () => {
			throw new RangeError();
		};
		const told = fact('Procedure', { performer: [{ actor: { reference: 'Practitioner/1' } }] }, fails);
		expect(told).toMatchObject({
			section: 'other',
			title: 'Procedure',
			details: [expect.stringContaining('see the record')],
		});
	});

	test('details that are too many say so', () => {
		const codes = Array.from({ length: 12 }, (_, i) => text(`${i} ${'x'.repeat(180)}`));
		const many = { note: [{ text: 'n' }], bodySite: codes, reasonCode: codes, outcome: codes };
		expect(fact('Procedure', many).details.at(-1)).toBe('and more: read the record');
	});

	test('a text is cut at whole characters, and says that it was', () => {
		expect(clean('🙂'.repeat(10), 5)).toBe('🙂🙂🙂🙂…');
		expect(clean('a\u2028b\u202ec\n\n d\ud800', 20)).toBe('a bc d\ufffd');
		expect(clean(' \t\u200b ')).toBe(null);
	});
});

describe('what changes the meaning of a resource goes first', () => {
	const own: Resolve = Object.assign(() => null, { isOwn: (reference: string) => reference === 'Patient/p1' });

	test.each([
		['Condition', 'subject'],
		['AllergyIntolerance', 'patient'],
		['Coverage', 'beneficiary'],
	])('%s.%s of somebody else', (type, name) => {
		const told = (reference: string, display?: string) =>
			fact(type, { [name]: { reference, display }, note: [{ text: 'x' }] }, own).details;
		expect(told('Patient/p2', 'Baby Smith')[0]).toBe('NOT ABOUT THE PATIENT of these records, but: Baby Smith');
		expect(told('Patient/p2')[0]).toMatch(/but: Patient\/p2$/);
		expect(told('Patient/p1').join()).not.toMatch(/PATIENT/);
	});

	test('a focus, and a modifier that only its maker knows', () => {
		const body = { focus: [{ display: 'Donor' }], modifierExtension: [{ url: 'x' }], bodySite: text('arm') };
		expect(fact('Observation', body, own).details).toEqual([
			'about: Donor',
			'has a modifier, which may turn its meaning: read the record',
			'site: arm',
		]);
	});

	test('nothing is said where nobody knows whose records they are', () => {
		expect(fact('Condition', { subject: { reference: 'Patient/p2' } }).details).toEqual([]);
	});
});

test('a death whose date cannot be read is one', () => {
	expect(fact('Patient', { deceasedDateTime: 'in spring' })).toMatchObject({ status: 'deceased', end: null });
});

test('a day that there never was is no date', () => {
	expect(fact('Procedure', { performedDateTime: '2019-02-30' }).date).toBe(null);
});

test('of two versions the later one can be told', () => {
	expect(observation({ issued: '2024-01-01T15:00:00Z', meta: { lastUpdated: '2025-01-01' } }).issued).toBe(
		'2024-01-01T15:00:00Z',
	);
	expect(fact('Condition', { meta: { lastUpdated: '2025-01-01T00:00:00Z' } }).issued).toBe('2025-01-01T00:00:00Z');
});

describe('names', () => {
	test('lead to what is of the same source, by relative, versioned and absolute references', async () => {
		const doctor = { resourceType: 'Practitioner', id: 'd1', name: [{ text: 'Dr. Raman' }] };
		const low = { resourceType: 'Practitioner', id: 'a_b', name: [{ text: 'Dr. Low' }] };
		const role = { resourceType: 'PractitionerRole', id: 'r1', practitioner: { reference: 'Practitioner/d1' } };
		const library = held([
			{ name: 'A', records: [doctor, role, low] },
			{ name: 'B', records: [] },
		]);
		const names = await readNames(library);
		const [a, b] = library.index.sources.map(names);
		const by = (reference: string, resolve = a) =>
			fact('Procedure', { performer: [{ actor: { reference } }] }, resolve).details;
		for (const reference of [
			'Practitioner/d1',
			'https://ehr.example/fhir/Practitioner/d1/_history/2',
			'https://EHR.example:443/fhir/Practitioner/d1',
			'PractitionerRole/r1',
		])
			expect(by(reference)).toEqual(['by: Dr. Raman']);
		expect(by('Practitioner/a_b')).toEqual(['by: Dr. Low']);
		for (const elsewhere of [
			'https://elsewhere.example/fhir/Practitioner/d1',
			'https://ehr.example/other/Practitioner/d1',
			'https://ehr.example.elsewhere.example/fhir/Practitioner/d1',
			'Practitioner/d1?x=1',
			'urn:x:Practitioner/d1',
		])
			expect(by(elsewhere)).toEqual([]);
		expect(by('Practitioner/d1', b)).toEqual([]);
	});

	test('tell whose records they are', async () => {
		const library = held([{ name: 'A', records: [], patient: { id: 'p7' } }]);
		const resolve = (await readNames(library))(library.index.sources[0]!);
		expect(['Patient/p7', 'https://ehr.example/fhir/Patient/p7/_history/1', 'Patient/p8'].map(resolve.isOwn!)).toEqual([
			true,
			true,
			false,
		]);
	});

	test('of a medicine that has none are those of its ingredients', async () => {
		const pump = { resourceType: 'Medication', id: '1', ingredient: [{ itemCodeableConcept: text('Morphine') }] };
		const library = held([{ name: 'A', records: [pump] }]);
		const resolve = (await readNames(library))(library.index.sources[0]!);
		expect(fact('MedicationRequest', { medicationReference: { reference: 'Medication/1' } }, resolve).title).toBe(
			'Morphine',
		);
	});

	test('a concept within a concept within a concept spoils neither names nor facts', async () => {
		const deep = `${'{"concept":'.repeat(5000)}{"text":"x"}${'}'.repeat(5000)}`;
		const one = JSON.parse(`{"resourceType":"Condition","id":"c","code":${deep}}`) as Json;
		const library = held([{ name: 'A', records: [one] }]);
		const resolve = (await readNames(library))(library.index.sources[0]!);
		expect(factOf(one, resolve)).toMatchObject({ title: 'Condition', section: 'problems' });
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
