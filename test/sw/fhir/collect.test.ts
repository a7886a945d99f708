import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isDone, nextTasks, settle, startCollect } from '../../../sw/fhir/collect.js';
import { finishLines, kinds, nothingRead, report, totals } from '../../../sw/fhir/report.js';
import type { CollectState } from '../../../sw/fhir/state.js';
import type { Outcome } from '../../../sw/fhir/task.js';
import { vendorFhir } from '../../../sw/fhir/vendors.js';
import { drive, keys, reports, standing } from './drive.js';
import { base, fail, fakeServer, outcome, type Quirk, respond, when } from './server.js';

const subject = { reference: 'Patient/p1' };
const coded = (code: string) => [{ coding: [{ code }] }];
const observation = (id: string, category: string, more: object = {}) => ({
	resourceType: 'Observation',
	id,
	subject,
	category: coded(category),
	...more,
});
const patient = { resourceType: 'Patient', id: 'p1', name: [{ family: 'Ñandú 😀' }] };
const record = [
	patient,
	...[1, 2, 3, 4, 5].map((n) =>
		observation(`l${n}`, 'laboratory', { performer: [{ reference: 'PractitionerRole/r1' }] }),
	),
	observation('v1', 'vital-signs', { performer: [{ reference: `${base}/Practitioner/d1/_history/4` }] }),
	observation('b1', 'vital-signs', { category: [...coded('vital-signs'), ...coded('laboratory')] }),
	{ resourceType: 'Condition', id: 'c1', subject, category: coded('problem-list-item') },
	{ resourceType: 'Condition', id: 'c2', subject, asserter: { reference: 'Practitioner/d2' } },
	{
		resourceType: 'MedicationRequest',
		id: 'm1',
		subject,
		intent: 'order',
		medicationReference: { reference: 'Medication/x1' },
	},
	{
		resourceType: 'DocumentReference',
		id: 'doc1',
		subject,
		content: [
			{ attachment: { contentType: 'application/pdf', url: 'Binary/pdf1' } },
			{ attachment: { contentType: 'text/html', url: `${base}/Binary/html1` } },
			{ attachment: { contentType: 'application/pdf', url: 'Binary/pdf1' } },
			{ attachment: { contentType: 'text/plain', data: 'aGk=' } },
		],
	},
	{
		resourceType: 'PractitionerRole',
		id: 'r1',
		practitioner: { reference: 'Practitioner/d1' },
		organization: { reference: 'Organization/o1' },
	},
	{ resourceType: 'Practitioner', id: 'd1' },
	{ resourceType: 'Practitioner', id: 'd2' },
	{ resourceType: 'Organization', id: 'o1', partOf: { reference: 'Organization/o2' } },
	{ resourceType: 'Organization', id: 'o2' },
	{ resourceType: 'Medication', id: 'x1' },
];
const binaries = when(/^Binary\//, (url, { accept }) => ({
	kind: 'response',
	status: 200,
	contentType: accept,
	url: url.href,
	bytes: new Uint8Array([0xff, 0, 1, ...new TextEncoder().encode(url.pathname)]),
	ms: 10,
}));
const everything = [
	...['Binary/html1', 'Binary/pdf1', 'Condition/c1', 'Condition/c2', 'DocumentReference/doc1', 'Medication/x1'],
	...['MedicationRequest/m1', 'Observation/b1', 'Observation/l1', 'Observation/l2', 'Observation/l3', 'Observation/l4'],
	...['Observation/l5', 'Observation/v1', 'Organization/o1', 'Patient/p1', 'Practitioner/d1', 'Practitioner/d2'],
	'PractitionerRole/r1',
];
const about = (state: CollectState, type: string) =>
	reports(state).filter(({ query }) => query.split(/[?/]/)[0] === type);
const kind = (state: CollectState, type: string) => standing(state).find((one) => one.type === type);
const run = (quirks: Quirk[] = [], input: Parameters<typeof drive>[1] = {}) => {
	const server = fakeServer(record, [...quirks, binaries]);
	return { ...drive(server, input), requests: server.requests };
};
const refusesPlain = (type: string, answer: (url: URL) => Outcome) =>
	when(new RegExp(`^${type}\\?patient=p1&_count`), answer);

describe('a whole record', () => {
	test('is collected: searches, what they refer to, one level further, and documents', () => {
		const { state, lines, finish } = run();
		expect(keys(lines)).toEqual(everything);
		expect(finish).toEqual([]);
		expect(totals(state)).toEqual({
			resources: lines.length,
			bytes: lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0),
		});
		expect(about(state, 'Observation')).toEqual([{ query: 'Observation?patient=p1', status: 'ok', count: 7 }]);
		expect(about(state, 'Practitioner')).toEqual([{ query: 'Practitioner', status: 'ok', count: 2 }]);
		expect(about(state, 'Binary')).toEqual([{ query: 'Binary', status: 'ok', count: 2 }]);
		expect(about(state, 'Goal')).toEqual([{ query: 'Goal?patient=p1', status: 'empty', count: 0 }]);
		expect(kind(state, 'Goal')).toEqual({ type: 'Goal', count: 0, status: 'empty' });
		expect(nothingRead(state)).toBe(false);
	});

	const quirks = [
		refusesPlain('Observation', (url) => respond(400, outcome('required'), url.href)),
		when(/^Goal/, (url) => respond(500, '<html>', url.href)),
		when(/_id=d1,d2/, (url) => respond(403, '', url.href)),
		when(/^Medication\//, (url) => respond(404, outcome('not-found'), url.href)),
	];
	const expected = run(quirks);

	test('is the same set of lines and reports in any order, with any number of stops in between', () => {
		fc.assert(
			fc.property(
				fc.infiniteStream(fc.nat()),
				fc.infiniteStream(fc.nat({ max: 9 })),
				fc.integer({ min: 1, max: 8 }),
				(choices, dice, limit) => {
					const again = drive(
						fakeServer(record, [...quirks, binaries]),
						{},
						(n) => (choices.next().value ?? 0) % n,
						() => (dice.next().value ?? 0) < 3,
						limit,
					);
					expect(again.lines.toSorted()).toEqual(expected.lines.toSorted());
					expect(report(again.state)).toEqual(report(expected.state));
					expect(kinds(again.state)).toEqual(kinds(expected.state));
				},
			),
			{ numRuns: 100 },
		);
	});

	test('carries each resource exactly as it was served', () => {
		const odd =
			'{ "resourceType":"Observation","id":"odd",\n  "valueQuantity": {"value":1.50}, "note":"\\ud83d\\ude00 😀 \\u00e9\\/" }';
		const { lines } = run([
			when(/^Observation\?/, (url) =>
				respond(200, `{"resourceType":"Bundle","entry":[{"resource":${odd}}]}`, url.href),
			),
		]);
		expect(lines).toContain(odd.replace('\n  ', ''));
	});
});

describe('a page that is too large', () => {
	const observations = (requests: string[]) => requests.filter((one) => one.startsWith('Observation?'));

	test('is asked for with fewer resources, down to one', () => {
		const { lines, requests, state } = run([when(/^Observation.*_count=10{1,2}$/, () => fail('too_large'))]);
		expect(keys(lines)).toEqual(everything);
		expect(observations(requests).slice(0, 3)).toEqual(
			[100, 10, 1].map((count) => `Observation?patient=p1&_count=${count}`),
		);
		expect(about(state, 'Observation')).toEqual([{ query: 'Observation?patient=p1', status: 'ok', count: 7 }]);
	});

	test('that is a later one has its search begin again, and nothing comes or counts twice', () => {
		const { lines, state } = run([when(/^Observation.*_count=100&from=4/, () => fail('too_large'))]);
		expect(keys(lines)).toEqual(everything);
		expect(about(state, 'Observation')).toEqual([{ query: 'Observation?patient=p1', status: 'ok', count: 7 }]);
	});

	test('at one resource a page is left, and not asked for in pieces', () => {
		const { state, requests } = run([when(/^Observation/, () => fail('too_large'))]);
		expect(observations(requests)).toHaveLength(3);
		expect(about(state, 'Observation')).toMatchObject([{ status: 'failed', reason: 'too_large', count: 0 }]);
		expect(kind(state, 'Observation')).toMatchObject({ status: 'failed' });
	});

	test('of referenced resources is fetched one by one', () => {
		const { lines } = run([when(/^Practitioner\?_id=/, () => fail('too_large'))]);
		expect(keys(lines)).toEqual(everything);
	});
});

describe('what was not asked for', () => {
	const other = '{"resourceType":"Basic","id":"b"}';

	test('is no Patient, and not taken for one', () => {
		const { state, lines } = run([when(/^Patient\//, (url) => respond(200, other, url.href))]);
		expect(keys(lines)).not.toContain('Basic/b');
		expect(about(state, 'Patient')).toMatchObject([{ status: 'failed', reason: 'not_as_asked', count: 0 }]);
		expect(kind(state, 'Patient')).toMatchObject({ status: 'failed', count: 0 });
	});

	test('is no answer to a search, even where nothing else came', () => {
		const bundle = `{"resourceType":"Bundle","entry":[{"resource":${other}}]}`;
		const { state } = run([when(/^Goal\?/, (url) => respond(200, bundle, url.href))]);
		expect(about(state, 'Goal')).toMatchObject([{ status: 'failed', reason: 'not_as_asked', count: 0 }]);
	});

	test('counts once where a page repeats under another link', () => {
		let n = 0;
		const { state } = run([
			when(/^Condition\?/, (url) =>
				respond(
					200,
					{
						resourceType: 'Bundle',
						link: [{ relation: 'next', url: `${base}/Condition?n=${n++}` }],
						entry: [{ resource: { resourceType: 'Condition', id: 'c1', subject } }],
					},
					url.href,
				),
			),
		]);
		expect(about(state, 'Condition')).toMatchObject([{ status: 'failed', reason: 'page_repeated', count: 1 }]);
	});
});

test('nothing was read where all that came was of another patient, whatever else was empty', () => {
	const stranger = when(/^Observation/, (url) =>
		respond(
			200,
			{
				resourceType: 'Bundle',
				entry: [{ resource: { resourceType: 'Observation', id: 'x', subject: { reference: 'Patient/p2' } } }],
			},
			url.href,
		),
	);
	expect(nothingRead(drive(fakeServer([patient], [stranger])).state)).toBe(true);
	expect(nothingRead(drive(fakeServer([patient])).state)).toBe(false);
	expect(nothingRead(run([stranger]).state)).toBe(false);
});

describe('a search that is refused', () => {
	test.each([
		['400', (url: URL) => respond(400, '', url.href)],
		['403 without a body', (url: URL) => respond(403, '', url.href)],
		['404 with HTML', (url: URL) => respond(404, '<html>', url.href)],
		['500 with an outcome of code required', (url: URL) => respond(500, outcome('required'), url.href)],
		['200 with an outcome of code required', (url: URL) => respond(200, outcome('required'), url.href)],
		[
			'a searchset of only an outcome of code required',
			(url: URL) => respond(200, { resourceType: 'Bundle', entry: [{ resource: outcome('required') }] }, url.href),
		],
	])('with %s is asked in pieces, and is no failure when they are answered', (_, answer) => {
		const { state, lines, finish } = run([refusesPlain('Observation', answer)]);
		expect(keys(lines)).toEqual(everything);
		expect(finish).toEqual([]);
		expect(about(state, 'Observation')[0]).toEqual({
			query: 'Observation?patient=p1&category=laboratory',
			status: 'ok',
			count: 6,
		});
		expect(about(state, 'Observation').map(({ query }) => query)).not.toContain('Observation?patient=p1');
		expect(kind(state, 'Observation')).toEqual({ type: 'Observation', count: 7, status: 'ok' });
	});

	test.each([
		['500', (url: URL) => respond(500, '', url.href), 'failed', 'http_500'],
		['401', (url: URL) => respond(401, outcome('login'), url.href), 'failed', 'http_401'],
		['429', (url: URL) => respond(429, '', url.href), 'failed', 'http_429'],
		['HTML', (url: URL) => respond(200, '<html>', url.href), 'failed', 'not_json'],
		[
			'a redirect elsewhere',
			() => respond(200, { resourceType: 'Bundle' }, 'https://evil.example/'),
			'failed',
			'redirected',
		],
		['no answer', () => fail('timeout'), 'failed', 'timeout'],
		['a failure in words', () => fail('Token abc rejected'), 'failed', 'failed'],
	])('or failed with %s is neither asked again nor empty', (_, answer, status, reason) => {
		const { state, finish, requests } = run([refusesPlain('Observation', answer)]);
		expect(about(state, 'Observation')).toEqual([{ query: 'Observation?patient=p1', status, count: 0, reason }]);
		expect(requests.filter((one) => one.startsWith('Observation'))).toHaveLength(1);
		expect(kind(state, 'Observation')?.status).toBe('failed');
		expect(finish).toHaveLength(1);
		expect(JSON.parse(finish[0] ?? '')).toMatchObject({
			resourceType: 'OperationOutcome',
			issue: [{ details: { text: reason }, diagnostics: expect.stringContaining('Observation?patient=p1') }],
		});
	});

	test('in every piece is tried the next way, and reported once when all ways are refused', () => {
		const { state, requests } = run([when(/^Condition/, (url) => respond(403, '', url.href))]);
		expect(requests.filter((one) => one.startsWith('Condition')).some((one) => one.includes('clinical-status'))).toBe(
			true,
		);
		expect(about(state, 'Condition')).toEqual([
			{ query: 'Condition?patient=p1', status: 'refused', count: 0, reason: 'http_403' },
		]);
		expect(kind(state, 'Condition')).toEqual({ type: 'Condition', count: 0, status: 'refused' });
	});

	test('in pieces that the server need not know leaves its kind complete, and is still reported', () => {
		const { state } = run([
			refusesPlain('Observation', (url) => respond(400, '', url.href)),
			when(/category=sdoh/, (url) => respond(400, '', url.href)),
		]);
		expect(about(state, 'Observation')).toContainEqual({
			query: 'Observation?patient=p1&category=sdoh',
			status: 'refused',
			count: 0,
			reason: 'http_400',
			optional: true,
		});
		expect(kind(state, 'Observation')?.status).toBe('ok');
	});

	test('in one piece that matters leaves its kind partial', () => {
		const { state } = run([
			refusesPlain('Observation', (url) => respond(400, '', url.href)),
			when(/category=vital-signs/, (url) => respond(500, '', url.href)),
		]);
		expect(kind(state, 'Observation')).toEqual({ type: 'Observation', count: 6, status: 'partial' });
	});

	test('is not asked plainly where the vendor is known to refuse it', () => {
		const { lines, requests } = run([], { vendor: vendorFhir('epic') });
		expect(keys(lines)).toEqual(everything);
		expect(requests).not.toContainEqual(expect.stringMatching(/^Observation\?patient=p1&_count/));
	});

	test('of the Patient is asked as a search', () => {
		const { state, lines } = run([when(/^Patient\//, (url) => respond(403, '', url.href))]);
		expect(keys(lines)).toContain('Patient/p1');
		expect(about(state, 'Patient')).toEqual([{ query: 'Patient?_id=p1', status: 'ok', count: 1 }]);
	});
});

describe('pages', () => {
	const page = (n: number, next?: string) => ({
		resourceType: 'Bundle',
		link: next ? [{ relation: 'next', url: next }] : [],
		entry: [{ resource: observation(`n${n}`, 'laboratory') }],
	});
	const paged = (answer: (page: number, url: URL) => Outcome) => {
		const { state, requests } = run([
			when(/^Observation\?/, (url) => answer(Number(url.searchParams.get('page') ?? 0), url)),
		]);
		return { reports: about(state, 'Observation'), asked: requests.filter((one) => one.startsWith('Observation')) };
	};

	test('to another origin are never asked for, and what was read is kept', () => {
		const { reports, asked } = paged((n, url) => respond(200, page(n, 'https://evil.example/fhir?page=1'), url.href));
		expect(reports).toEqual([
			{ query: 'Observation?patient=p1', status: 'failed', count: 1, reason: 'next_other_origin' },
		]);
		expect(asked).toHaveLength(1);
	});

	test('that lead back to one before end', () => {
		const { reports } = paged((n, url) => respond(200, page(n, `Observation?page=${(n + 1) % 3}&x`), url.href));
		expect(reports).toMatchObject([{ status: 'failed', reason: 'next_loop' }]);
	});

	test('that lead to themselves end', () => {
		const { reports, asked } = paged((n, url) => respond(200, page(n, url.href), url.href));
		expect(reports).toMatchObject([{ status: 'failed', count: 1, reason: 'next_loop' }]);
		expect(asked).toHaveLength(1);
	});

	test('that repeat the one before under another address end', () => {
		const { reports, asked } = paged((n, url) => respond(200, page(0, `Observation?page=${n + 1}`), url.href));
		expect(reports).toMatchObject([{ status: 'failed', reason: 'page_repeated' }]);
		expect(asked).toHaveLength(2);
	});

	test('that are empty are passed over, but not for ever', () => {
		const empty = (n: number) => ({ ...page(n, `Observation?page=${n + 1}`), entry: [] });
		const once = paged((n, url) => respond(200, n === 0 ? empty(0) : page(1), url.href));
		expect(once.reports).toMatchObject([{ status: 'ok', count: 1 }]);
		const ever = paged((n, url) => respond(200, empty(n), url.href));
		expect(ever.reports).toMatchObject([{ status: 'failed', count: 0, reason: 'too_many_pages' }]);
	});

	test('of which a later one fails leave the query failed with what was read', () => {
		const { reports } = paged((n, url) =>
			n === 0 ? respond(200, page(0, 'Observation?page=1'), url.href) : respond(403, '', url.href),
		);
		expect(reports).toEqual([{ query: 'Observation?patient=p1', status: 'refused', count: 1, reason: 'http_403' }]);
	});

	test('with an error among the entries go on, and the query is not complete', () => {
		const { reports } = paged((n, url) => {
			const { entry, ...rest } = page(n, n === 0 ? 'Observation?page=1' : undefined);
			const more = n === 0 ? [{ resource: outcome('incomplete') as object }] : [];
			return respond(200, { ...rest, entry: [...entry, ...more] }, url.href);
		});
		expect(reports).toMatchObject([{ status: 'failed', count: 2, reason: 'outcome_incomplete' }]);
	});
});

describe('resources of another patient', () => {
	const foreign = { resourceType: 'Goal', id: 'g2', subject: { reference: 'Patient/p2' } };
	const goals = (...more: object[]) =>
		when(/^Goal/, (url) =>
			respond(200, { resourceType: 'Bundle', entry: more.map((resource) => ({ resource })) }, url.href),
		);

	test('are set aside and reported beside what was read', () => {
		const { state, lines, finish } = run([goals({ ...foreign, id: 'g1', subject }, foreign)]);
		expect(keys(lines)).toContain('Goal/g1');
		expect(keys(lines)).not.toContain('Goal/g2');
		expect(about(state, 'Goal')).toEqual([
			{ query: 'Goal?patient=p1', status: 'ok', count: 1 },
			{ query: 'Goal?patient=p1', status: 'failed', count: 1, reason: 'other_patient' },
		]);
		expect(finish).toHaveLength(1);
	});

	test('alone are not an empty answer', () => {
		const { state } = run([goals(foreign)]);
		expect(about(state, 'Goal')).toEqual([
			{ query: 'Goal?patient=p1', status: 'failed', count: 1, reason: 'other_patient' },
		]);
		expect(kind(state, 'Goal')?.status).toBe('failed');
	});
});

describe('nothing read', () => {
	const fails = (pattern: RegExp) => when(pattern, (url) => respond(500, '', url.href));
	test('is a record of which only the Patient was answered', () => {
		expect(nothingRead(run([fails(/^(?!Patient)/)]).state)).toBe(true);
		expect(nothingRead(run([fails(/./)]).state)).toBe(true);
	});
	test('is not a record with one empty answer', () => {
		expect(nothingRead(run([fails(/^(?!Patient|Goal)/)]).state)).toBe(false);
	});
	test('is not the Patient alone where nothing else was granted', () => {
		expect(nothingRead(run([], { scope: 'patient/Patient.rs' }).state)).toBe(false);
		expect(nothingRead(run([fails(/./)], { scope: 'patient/Patient.rs' }).state)).toBe(true);
	});
	test('is a grant of nothing that is known here', () => {
		const { state } = run([], { scope: 'patient/Spaceship.rs' });
		expect(isDone(state)).toBe(true);
		expect(nothingRead(state)).toBe(true);
	});
});

describe('tasks', () => {
	test('are as many as asked for, and none that is in flight', () => {
		const state = startCollect({ fhirBaseUrl: `${base}/`, patientId: 'p1', scope: '', capability: null, vendor: {} });
		const first = nextTasks(state, 3, new Set());
		expect(first.map(({ url }) => url)).toEqual([
			`${base}/Patient/p1`,
			`${base}/AllergyIntolerance?patient=p1&_count=100`,
			`${base}/Condition?patient=p1&_count=100`,
		]);
		const second = nextTasks(state, 3, new Set(first.map(({ id }) => id)));
		expect(second.map(({ id }) => id)).not.toContain(first[0]?.id);
		expect(second).toHaveLength(3);
		expect(nextTasks(state, 0, new Set())).toEqual([]);
	});

	test('that were settled before change nothing when they are settled again', () => {
		const server = fakeServer(record);
		const state = startCollect({ fhirBaseUrl: base, patientId: 'p1', scope: '', capability: null, vendor: {} });
		for (const task of nextTasks(state, 50, new Set())) {
			settle(state, task, server(task));
			const before = JSON.stringify(state);
			expect(settle(state, task, server(task))).toEqual({ lines: [] });
			expect(JSON.stringify(state)).toBe(before);
		}
		expect(finishLines(state)).toEqual([]);
	});

	test('carry the vendor’s Accept and page size', () => {
		const state = startCollect({
			fhirBaseUrl: base,
			patientId: 'p1',
			scope: '',
			capability: null,
			vendor: { accept: 'application/json+fhir', count: 25 },
		});
		const [, search] = nextTasks(state, 2, new Set());
		expect(search).toMatchObject({ accept: 'application/json+fhir', url: expect.stringContaining('_count=25') });
	});
});

test('no answer, whatever JSON it holds, is more than a result', () => {
	const odd = fc.oneof(
		fc.jsonValue(),
		fc.constantFrom<unknown>({ toString: 1, valueOf: 1 }, 'Patient/p1', '\ud83d', { reference: 7 }),
	);
	const type = fc.constantFrom('Patient', 'Practitioner', 'DocumentReference', 'DiagnosticReport', 'OperationOutcome');
	const attachment = fc.record({ url: odd, contentType: odd, data: odd, size: odd }, { requiredKeys: ['url'] });
	const resource = fc.record(
		{
			resourceType: fc.oneof(type, odd),
			id: odd,
			subject: fc.oneof(odd, fc.array(odd)),
			participant: odd,
			issue: fc.array(fc.oneof(odd, fc.record({ severity: fc.constantFrom('error', 'warning'), code: odd }))),
			content: fc.array(fc.record({ attachment })),
			presentedForm: fc.array(attachment),
			performer: fc.record({ reference: fc.oneof(odd, fc.constantFrom('Practitioner/a', 'Device/b')) }),
		},
		{ requiredKeys: ['resourceType'] },
	);
	const bundle = fc.record({
		resourceType: fc.constantFrom('Bundle', 'Bundle', 'OperationOutcome'),
		entry: fc.oneof(odd, fc.array(fc.oneof(odd, fc.record({ resource })))),
		link: fc.oneof(odd, fc.array(fc.record({ relation: fc.constant('next'), url: odd }))),
	});
	const answers = fc.array(fc.oneof(bundle, resource, odd), { minLength: 1, maxLength: 5 });
	fc.assert(
		fc.property(answers, fc.constantFrom(200, 200, 200, 400, 500), (bodies, status) => {
			let n = 0;
			const server = fakeServer([], [(url) => respond(status, JSON.stringify(bodies[n++ % bodies.length]), url.href)]);
			const { state, lines, finish } = drive(server);
			for (const line of [...lines, ...finish]) expect(JSON.parse(line)).toHaveProperty('resourceType');
			expect(report(state).every(({ query }) => query.length <= 2000)).toBe(true);
			expect(kinds(state).length).toBeGreaterThan(0);
		}),
		{ numRuns: 150 },
	);
});
