import { expect, test } from 'vitest';
import { openAnswers } from '../../../relay/agent/answers/answers.js';
import { pretty } from '../../../relay/agent/answers/pretty.js';
import { deliver } from './delivery-support.js';
import { between, binary, condition, lab, reference } from './records-support.js';

async function read(ref: string, ...resources: (object | string)[]): Promise<string> {
	return (await (await openAnswers(await deliver({ resources }))).read(ref)).text;
}

test('a resource is read as it was served, number by number', async () => {
	const text = between(await read('01-lakeside-health/Observation/o1', lab('o1', '2024-03-05', '7.20')));
	expect(text).toContain('"value": 7.20,');
	expect(text).toContain('"value": 4.0,');
	expect(JSON.parse(text)).toEqual(JSON.parse(lab('o1', '2024-03-05', '7.20')));
});

test('it says what it refers to, as far as that is here, and under which name', async () => {
	const document = reference('d1', '2019-05-01', 'Discharge summary', 'b1');
	const more = {
		subject: { reference: 'https://ehr.example/fhir/r4/Condition/c1' },
		author: [
			{ reference: 'https://elsewhere.example/fhir/Condition/c1' },
			{ reference: 'Condition/gone' },
			{ reference: '../../x' },
		],
	};
	const text = between(
		await read(
			'01-lakeside-health/DocumentReference/d1',
			{ ...document, ...more },
			condition('c1', '2020', 'Asthma'),
			binary('b1', 'x'),
		),
	);
	expect(text.split('\n\n')[0]?.split('\n')).toEqual([
		'What it refers to:',
		'  Condition/c1: 2020 | Asthma | 01-lakeside-health/Condition/c1',
		'  Binary/b1: Discharge summary | 01-lakeside-health/documents/2019-05-01 Discharge summary.txt',
	]);
});

test('a report is read with the values of its results', async () => {
	const report = { resourceType: 'DiagnosticReport', id: 'r1', result: [{ reference: 'Observation/o1' }] };
	expect(between(await read('DiagnosticReport/r1', report, lab('o1', '2024-03-05', '7.20')))).toContain(
		'Observation/o1: 2024-03-05 | Hemoglobin A1c | 7.20 % (high, range 4.0–5.6 %) | 01-lakeside-health/Observation/o1',
	);
});

test.each([
	'Condition/c1',
	'S1/Condition/c1',
	'https://ehr.example/fhir/r4/Condition/c1',
	'01-lakeside-health/Condition/c1',
])('what records call %s is read by that name', async (ref) => {
	expect(await read(ref, condition('c1', '2020', 'Asthma'))).toContain('Asthma');
});

test('a Binary by its own name is the document that it was written as', async () => {
	expect(await read('Binary/b1', binary('b1', 'Hello'))).toMatch(/^The text of one document[\s\S]*Hello/);
});

test('what several sources have is asked for with the source', async () => {
	const resources = [condition('c1', '2020', 'Asthma')];
	const answers = await openAnswers(await deliver({ resources }, { name: 'Harbor', resources }));
	await expect(answers.read('Condition/c1')).rejects.toMatchObject({ code: 'query_invalid' });
	expect((await answers.read('S2/Condition/c1')).text).toContain('Asthma');
	for (const ref of ['S3/Condition/c1', 'Condition/c2', 'https://elsewhere.example/fhir/Condition/c1'])
		await expect(answers.read(ref)).rejects.toMatchObject({ code: 'ref_unknown' });
});

test('a document is read as text, with its kind', async () => {
	const html = binary('b1', '<html><body><h1>Visit</h1><p>All &amp; well</p></body></html>', 'text/html');
	const text = await read('01-lakeside-health/documents/Document.html', html);
	expect(text).toMatch(/^The text of one document \(html, \d+ octets\)\./);
	expect(between(text)).toContain('All & well');
	expect(between(text)).not.toContain('<p>');
});

test('what cannot be read as text says so', async () => {
	const png = { ...binary('b1', ''), contentType: 'image/png', data: 'iVBORw0KGgo=' };
	expect(await read('01-lakeside-health/documents/Document.png', png)).toContain('It cannot be read: it is a picture');
});

test.each(['01-lakeside-health/documents/Other.txt', '01-lakeside-health/documents/../../index.json', '../x', ''])(
	'%j is nothing here',
	async (ref) => {
		await expect(read(ref, binary('b1', 'x'))).rejects.toMatchObject({ code: 'ref_unknown' });
	},
);

test('long data is not shown, and unseen characters are escapes', async () => {
	const text = between(
		await read('01-lakeside-health/Binary/b1', { ...binary('b1', 'x'.repeat(3000)), note: 'a\u202eb' }),
	);
	expect(text).toContain('"data": "(4000 characters of base64)"');
	expect(text).toContain('"note": "a\\u202eb"');
});

test.each([
	[
		'{"a":[1.0,{"b":"x, {y}: \\"z\\""}],"c":{},"d":[],"e":-1E+2}',
		{ a: [1, { b: 'x, {y}: "z"' }], c: {}, d: [], e: -100 },
	],
	['  [ ]  ', []],
	['{"":null,"t":true}', { '': null, t: true }],
])('%s stays what it is when it is spread out', (json, value) => {
	expect(JSON.parse(pretty(json))).toEqual(value);
	expect(pretty(json).replace(/\s/g, '')).toBe(json.replace(/\s/g, ''));
});

test('a resource of 30 MB is read like any other', async () => {
	const words = 'word "quoted" \\ '.repeat(2_000_000);
	const json = JSON.stringify({ resourceType: 'Basic', id: 'b', words });
	const text = await read('01-lakeside-health/Basic/b', json);
	expect(text.length).toBeLessThanOrEqual(8000);
	expect(JSON.parse(pretty(json)).words === words).toBe(true);
});
