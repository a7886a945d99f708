import { expect, test } from 'vitest';
import { openAnswers, type TrendQuery } from '../../../relay/agent/answers/answers.js';
import { deliver } from './delivery-support.js';
import { between, lab, linesOf } from './records-support.js';

const pressure = {
	resourceType: 'Observation',
	id: 'bp',
	status: 'final',
	code: { text: 'Blood pressure' },
	effectiveDateTime: '2022-02-02',
	component: [
		{
			code: { coding: [{ system: 'http://loinc.org', code: '8480-6', display: 'Systolic' }] },
			valueQuantity: { value: 121, unit: 'mmHg' },
		},
		{
			code: { coding: [{ system: 'http://loinc.org', code: '8462-4', display: 'Diastolic' }] },
			valueQuantity: { value: 80, unit: 'mmHg' },
		},
	],
};

const records = () =>
	deliver(
		{
			resources: [
				lab('late', '2024-01-01', '7.20'),
				lab('early', '2020-01-01', '5.10'),
				lab('other-unit', '2021-01-01', '48', 'mmol/mol'),
				lab('wrong', '2021-06-01', '99').replace('"final"', '"entered-in-error"'),
				lab('less', '2021-07-01', '4').replace('"value":4,"unit"', '"value":4,"comparator":"<","unit"'),
				lab('glucose', '2020-05-01', '101', 'mg/dL', '2345-7', 'Glucose'),
				lab('urine', '2020-05-01', '3', 'mg/dL', '2350-7', 'Glucose in urine'),
				pressure,
			],
		},
		{ name: 'Harbor', resources: [lab('elsewhere', '2022', '3.9')] },
	);

async function trend(query: TrendQuery): Promise<string> {
	return (await (await openAnswers(await records())).trend(query)).text;
}

test('values of one code stand oldest first, by unit, with ranges, flags and extremes', async () => {
	const text = await trend({ code: '4548-4' });
	expect(text).toMatch(/^5 values, oldest first/);
	expect(text).toContain('1 entered in error were left out.');
	expect(linesOf(text)).toEqual([
		'Hemoglobin A1c | http://loinc.org|4548-4',
		'In all: first 5.10 % on 2020-01-01, last 7.20 % on 2024-01-01.',
		'In %: 3 values. First 5.10 % on 2020-01-01, last 7.20 % on 2024-01-01, least 3.9 % on 2022, most 7.20 % on 2024-01-01.',
		'2020-01-01 | 5.10 % (range 4.0–5.6 %) | final | S1 | 01-lakeside-health/Observation/early',
		'2022 | 3.9 % (low, range 4.0–5.6 %) | final | S2 | 02-harbor/Observation/elsewhere',
		'2024-01-01 | 7.20 % (high, range 4.0–5.6 %) | final | S1 | 01-lakeside-health/Observation/late',
		'In mmol/mol: 1 value. First 48 mmol/mol on 2021-01-01, last 48 mmol/mol on 2021-01-01, least 48 mmol/mol on 2021-01-01, most 48 mmol/mol on 2021-01-01.',
		expect.stringMatching(/^2021-01-01 \| 48 mmol\/mol/),
		'Not numbers, or beyond what can be measured:',
		expect.stringMatching(/^2021-07-01 \| <4 %/),
	]);
});

test('a part of a panel has its own trend, with the status and date of the panel', async () => {
	expect(linesOf(await trend({ text: 'systolic' })).at(-1)).toBe(
		'2022-02-02 | 121 mmHg | final | S1 | 01-lakeside-health/Observation/bp',
	);
	expect(linesOf(await trend({ code: '8462-4' })).at(-1)).toMatch(/\| 80 mmHg \|/);
});

test('words that mean several things list them; the whole title means one', async () => {
	const several = await trend({ text: 'gluc' });
	expect(several).toMatch(/^More than one thing is meant/);
	expect(linesOf(several)).toEqual([
		'Glucose | http://loinc.org|2345-7 | 1 value',
		'Glucose in urine | http://loinc.org|2350-7 | 1 value',
	]);
	expect(between(await trend({ text: 'GLUCOSE' }))).toContain('101 mg/dL');
	// What else has the word is named, with how to ask for it.
	expect(linesOf(await trend({ text: 'GLUCOSE' })).slice(-2)).toEqual([
		'Others with these words:',
		'Glucose in urine | http://loinc.org|2350-7 | 1 value',
	]);
});

test('a panel that is meant is told as one, by its name or what people call it', async () => {
	for (const query of [{ text: 'blood pressure' }, { text: 'Blood' }])
		expect(linesOf(await trend(query)).slice(-2)).toEqual([
			'Together:',
			'2022-02-02 | Systolic 121 mmHg, Diastolic 80 mmHg | final | S1 | 01-lakeside-health/Observation/bp',
		]);
	expect(linesOf(await trend({ text: 'A1c' })).join()).toContain('7.20 %');
	expect(linesOf(await trend({ text: 'hba1c' })).join()).toContain('7.20 %');
});

test('one code of two systems is two things', async () => {
	const of = (id: string, system: string, title: string) =>
		lab(id, '2024', '100', 'mg/dL', '100', title).replace('"http://loinc.org"', `"${system}"`);
	const dir = await deliver({ resources: [of('a', 'urn:one', 'Glucose'), of('b', 'urn:two', 'LDL')] });
	const answers = await openAnswers(dir);
	expect((await answers.trend({ code: '100' })).text).toMatch(/^More than one thing is meant/);
	expect((await answers.trend({ code: 'urn:two|100' })).text).toContain('LDL');
});

test('a value of a day that never was is counted as one without a date', async () => {
	const answers = await openAnswers(await deliver({ resources: [lab('a', '2019-02-30', '7')] }));
	expect((await answers.trend({ code: '4548-4', from: '2019' })).text).toContain('1 without a date were left out.');
});

test('source and dates narrow it; nothing is said as nothing', async () => {
	expect(linesOf(await trend({ code: '4548-4', source: 'Harbor' }))).toHaveLength(3);
	expect(linesOf(await trend({ code: '4548-4', from: '2023', to: '2024' }))).toHaveLength(3);
	expect(await trend({ text: 'unicorn' })).toMatch(/^No values were found\./);
});

test.each<TrendQuery>([{}, { text: '' }, { text: '  ' }, { text: 'a', code: 'b' }, { code: 'a', from: 'x' }])(
	'%j is no question',
	async (query) => {
		await expect(trend(query)).rejects.toMatchObject({ code: 'query_invalid', detail: expect.any(String) });
	},
);
