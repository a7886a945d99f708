import { describe, expect, test } from 'vitest';
import { openAnswers, type SearchQuery } from '../../../relay/agent/answers/answers.js';
import { daysOf, instantOf } from '../../../relay/agent/dates.js';
import { deliver } from './delivery-support.js';
import { between, binary, condition, lab, linesOf, reference } from './records-support.js';

const failed = { query: 'AllergyIntolerance?patient=p1', status: 'failed', count: 0 } as const;
const records = () =>
	deliver(
		{
			resources: [
				condition('asthma', '2019-03', 'Ásthma, seasonal', { note: [{ text: 'Worse near CATS' }] }),
				condition('old', '2001', 'Fracture of wrist'),
				condition('undated', undefined, 'Migraine'),
				condition('stay', '2018-12-20', 'Pneumonia', { abatementDateTime: '2019-01-15' }),
				condition('told', '2020-02-02', 'Rash', {
					text: { div: '<div xmlns="x">Seen after <b>peni</b>cillin &amp; more</div>' },
				}),
				lab('a1c', '2024-03-05T23:30:00-08:00', '7.20'),
				{
					resourceType: 'MedicationRequest',
					id: 'm1',
					status: 'active',
					authoredOn: '2023-01-01',
					medicationReference: { reference: 'Medication/x' },
				},
				{ resourceType: 'Medication', id: 'x', code: { text: 'Lisinopril 10 mg' } },
				reference('d1', '2019-05-01', 'Discharge summary', 'b1'),
				binary('b1', 'Patient was treated for a KIDNEY stone.'),
				{ resourceType: 'OperationOutcome', issue: [{ diagnostics: 'asthma' }] },
			],
		},
		{ name: 'Harbor Clinic', resources: [condition('gout', '2021-07-01', 'Gout')], queries: [failed] },
	);

async function found(query: SearchQuery): Promise<string[]> {
	const { text } = await (await openAnswers(await records())).search(query);
	return linesOf(text)
		.filter((line) => line.includes(' | '))
		.map((line) => /\/([^/|]+?)(?: \| …|$)/.exec(line)?.[1] ?? line);
}

test.each<[SearchQuery, string[]]>([
	[{ text: 'asthma' }, ['asthma']],
	[{ text: 'CATS ÁSTHMA' }, ['asthma']],
	[{ text: 'asthma dogs' }, []],
	[{ text: 'penicillin more' }, ['told']],
	[{ text: 'lisinopril', kind: 'MedicationRequest' }, ['m1']],
	[{ text: 'kidney' }, ['2019-05-01 Discharge summary.txt']],
	[{ text: 'discharge summary kidney' }, ['2019-05-01 Discharge summary.txt']],
	[{ kind: 'condition', source: 'harbor' }, ['gout']],
	[{ kind: 'Condition', source: '02-harbor-clinic' }, ['gout']],
	[{ kind: 'labs' }, ['a1c']],
	[{ kind: 'Binary' }, ['2019-05-01 Discharge summary.txt']],
	[{ kind: 'DocumentReference' }, ['d1']],
	[{ text: 'discharge', kind: 'notes' }, ['2019-05-01 Discharge summary.txt']],
	[{ kind: 'lab' }, ['a1c']],
	[{ kind: 'Observations' }, ['a1c']],
	[{ kind: 'medication', text: 'lisinopril' }, ['m1']],
	[{ kind: 'Medication' }, ['x']],
	[{ code: '4548-4' }, ['a1c']],
	[{ code: 'http://loinc.org|4548-4' }, ['a1c']],
	[{ code: 'http://snomed.info/sct|4548-4' }, []],
	[{ code: '|4548-4' }, []],
	[{ code: '4548' }, []],
	[{ kind: 'Condition', from: '2019', to: '2019-03-31' }, ['asthma', 'stay']],
	[{ kind: 'Condition', from: '2019-03-31' }, ['gout', 'told', 'asthma']],
	[{ kind: 'Condition', to: '2001-06' }, ['old']],
	[{ kind: 'labs', from: '2024-03-05', to: '2024-03-05' }, ['a1c']],
	[{ kind: 'labs', from: '2024-03-06' }, []],
	[{ kind: 'Immunization' }, []],
])('%j finds %j', async (query, expected) => {
	expect(await found(query)).toEqual(expected);
});

test('a line has date, title, value and flag, status, source and the name to read by; the newest comes first', async () => {
	const { text } = await (await openAnswers(await records())).search({});
	const [first] = linesOf(text).filter((line) => line.includes(' | '));
	expect(first).toBe(
		'2024-03-05 23:30 | Hemoglobin A1c | 7.20 % (high, range 4.0–5.6 %) | final | S1 | 01-lakeside-health/Observation/a1c',
	);
	expect(text).toMatch(/^10 found/);
	expect(new Set(linesOf(text).flatMap((line) => (line.includes(' | ') ? [line.split(' | ').length] : [])))).toEqual(
		new Set([6]),
	);
});

test('what has no date is counted where dates are asked for', async () => {
	const { text } = await (await openAnswers(await records())).search({ text: 'migraine', from: '2000' });
	expect(text).toMatch(/^Nothing was found\.\n1 more would match but have no date\./);
});

test('documents without a date are counted, too, whether they would match or nobody looked', async () => {
	const { date: _, ...letter } = reference('d1', '2019', 'Kidney letter', 'b1');
	const undated = { ...letter, date: undefined };
	const answers = await openAnswers(
		await deliver({
			resources: [{ ...undated, resourceType: 'DocumentReference' }, binary('b1', 'x'), binary('b2', 'kidney')],
		}),
	);
	const { text } = await answers.search({ text: 'kidney', kind: 'documents', from: '2000' });
	expect(text).toContain('more would match but have no date.');
	expect(text).toContain('1 document without a date were not looked into');
});

test('a resource of a day that never was is counted as one without a date', async () => {
	const answers = await openAnswers(await deliver({ resources: [condition('c', '2019-02-30', 'Gout')] }));
	expect((await answers.search({ kind: 'Condition', from: '2019' })).text).toMatch(
		/\n1 more would match but have no date/,
	);
});

test('attachments within a resource are documents: found by their words, listed and read', async () => {
	const data = Buffer.from('The melanoma was removed.').toString('base64');
	const note = {
		resourceType: 'DocumentReference',
		id: 'd1',
		status: 'superseded',
		date: '2020-02-02',
		content: [{ attachment: { contentType: 'text/plain', title: 'Note', data } }],
	};
	const report = {
		resourceType: 'DiagnosticReport',
		id: 'r1',
		status: 'final',
		effectiveDateTime: '2020-03-03',
		code: { text: 'Pathology' },
		presentedForm: [{ contentType: 'text/html', data: Buffer.from('<p>Melanoma, malignant</p>').toString('base64') }],
	};
	const sampled = { resourceType: 'Observation', id: 'o1', valueSampledData: { data: '1 2 3' } };
	const answers = await openAnswers(await deliver({ resources: [note, report, sampled] }));
	const { text } = await answers.search({ text: 'melanoma' });
	expect(linesOf(text)).toEqual([
		expect.stringMatching(
			/^2020-03-03 \| Pathology \| text\/html; .*Melanoma, malignant.* \| - \| S1 \| .*documents\/2020-03-03 Pathology\.html$/,
		),
		expect.stringMatching(
			/^2020-02-02 \| Note \| text\/plain; .*melanoma.* \| superseded \| S1 \| .*\/2020-02-02 Note\.txt$/,
		),
	]);
	expect((await answers.list()).text).toContain('2 documents');
	expect((await answers.read('01-lakeside-health/documents/2020-02-02 Note.txt')).text).toMatch(
		/superseded[\s\S]*was removed/,
	);
	expect((await answers.read('DiagnosticReport/r1')).text).toContain(
		'its attachment: Pathology | 01-lakeside-health/documents/',
	);
});

test('a record cannot forge columns', async () => {
	const title = 'HIV | since childhood | active | S1 | 01-good/Condition/g';
	const answers = await openAnswers(await deliver({ resources: [condition('c', '2020', title)] }));
	const [line = ''] = linesOf((await answers.search({ kind: 'Condition' })).text).slice(-1);
	expect(line.split(' | ')).toHaveLength(6);
	expect(line.split(' | ').slice(4)).toEqual(['S1', '01-lakeside-health/Condition/c']);
});

test('a narrative of many unopened ends is searched like any other', async () => {
	const div = `${'<b>'.repeat(300_000)}${'</c>'.repeat(300_000)}<script>hidden</script>needle &amp; thread`;
	const answers = await openAnswers(await deliver({ resources: [condition('c', '2020', 'Gout', { text: { div } })] }));
	expect((await answers.search({ text: 'needle & thread' })).text).toMatch(/^1 found/);
	expect((await answers.search({ text: 'hidden' })).text).toMatch(/^Nothing/);
}, 5000);

test('an answer that nobody waits for any more stops being made', async () => {
	const answers = await openAnswers(await records());
	const stop = new AbortController();
	const asked = answers.until(stop.signal).search({ text: 'asthma' });
	stop.abort();
	await expect(asked).rejects.toMatchObject({ code: 'interrupted' });
	// Another question is not harmed by it.
	expect((await answers.search({ text: 'asthma' })).text).toMatch(/^1 found/);
});

test('what is missing is told of the kinds that were asked about, and what nobody asked for as that', async () => {
	const { text } = await (await openAnswers(await records())).search({ kind: 'Condition' });
	expect(text).not.toContain('AllergyIntolerance');
	const claims = await (await openAnswers(await records())).search({ kind: 'Claim' });
	expect(between(claims.text)).toContain('Not asked for: Claim. Nobody knows whether there is any.');
});

test('nothing found is not nothing there: what could not be read is said with it', async () => {
	const { text } = await (await openAnswers(await records())).search({ kind: 'AllergyIntolerance' });
	expect(text).toContain('no sign that there is nothing');
	expect(between(text)).toContain('Could not be read (which does not mean that there is nothing): AllergyIntolerance');
	const lakeside = await (await openAnswers(await records())).search({ kind: 'allergies', source: 'Lakeside Health' });
	expect(lakeside.text).not.toContain('Could not be read');
});

test.each<[SearchQuery, RegExp]>([
	[{ from: '02.03.2019' }, /are dates/],
	[{ from: '2019-13' }, /are dates/],
	[{ to: '2019-02-30' }, /are dates/],
	[{ to: '' }, /are dates/],
	[{ from: '2019-01-01; rm -rf /' }, /are dates/],
	[{ from: '2020', to: '2019' }, /later/],
	[{ kind: '../../x' }, /resource type/],
	[{ kind: '' }, /resource type/],
	[{ kind: 'Foo' }, /resource type/],
	[{ code: '' }, /"code"/],
	[{ code: 'http://loinc.org|' }, /"code"/],
	[{ source: 'nobody' }, /no source/],
	[{ source: '' }, /no source/],
	[{ text: 'x'.repeat(301) }, /at most 300/],
	[{ text: 7 } as never, /"text" is a text/],
])('%j cannot be answered, and the reason does not quote it', async (query, detail) => {
	const answers = await openAnswers(await records());
	await expect(answers.search(query)).rejects.toMatchObject({
		code: 'query_invalid',
		detail: expect.stringMatching(detail),
	});
});

test('resources that are not as FHIR has them hide nothing', async () => {
	const deep = `${'{"a":['.repeat(5000)}"needle"${']}'.repeat(5000)}`;
	const dir = await deliver({
		resources: [
			{ resourceType: 'Condition', id: 7, code: 'needle', onsetDateTime: ['2019'] },
			{
				resourceType: 'Observation',
				id: 'o',
				code: { coding: 'needle' },
				component: [null, 7],
				effectiveDateTime: 'needle',
			},
			`{"resourceType":"Deep","id":"d","x":${deep}}`,
			{ resourceType: 'constructor', id: 'c', note: 'needle', __proto__: { x: 1 } },
			condition('c1', '2019', 'needle\u001b[2J | forged\nline'),
		],
	});
	const { text } = await (await openAnswers(dir)).search({ text: 'NEEDLE' });
	const lines = linesOf(text);
	expect(text).toMatch(/^5 found/);
	expect(lines).toHaveLength(5);
	expect(text).not.toContain('\u001b');
});

test('more documents than one answer reads are said to be left out, and can be asked for', async () => {
	// The date is the only thing that tells them apart: twenty-five of a little less than one MiB, of which 24 MiB are read.
	const text = `needle ${'x'.repeat(1_020_000)}`;
	const days = Array.from({ length: 25 }, (_, n) => `2019-05-${String(n + 1).padStart(2, '0')}`);
	const dir = await deliver({
		resources: days.flatMap((day) => [reference(`d${day}`, day, 'Letter', day), binary(day, text)]),
	});
	const answers = await openAnswers(dir);
	const all = await answers.search({ text: 'needle' });
	expect(all.text).toMatch(/^24 found.*\n1 document not looked into, the newest of 2019-05-01: ask with "to"/);
	expect((await answers.search({ text: 'needle', to: '2019-05-01' })).text).toMatch(/^1 found/);
});

describe('FHIR dates', () => {
	test.each([
		['2019', '2019-01-01', '2019-12-31'],
		['2019-02', '2019-02-01', '2019-02-28'],
		['2020-02-29', '2020-02-29', '2020-02-29'],
		['2019-03-02T23:59:59.123456+14:00', '2019-03-02', '2019-03-02'],
	])('%s is %s to %s', (date, first, last) => {
		expect(daysOf(date)).toEqual({ first, last });
		expect(instantOf(date)).toEqual(expect.any(Number));
	});

	test.each([
		'',
		'19',
		'2019-00',
		'2019-2-2',
		'2019-02-29',
		'2019-03-02 10:00',
		'2019-03-02Tx',
		'T',
		'2019-03-32',
		null,
	])('%j is none', (date) => {
		expect(daysOf(date)).toBeNull();
		expect(instantOf(date)).toBeNull();
	});
});
