import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nextTasks, settle, startCollect } from '../../../sw/fhir/collect.js';
import { readings } from '../../../sw/fhir/readings.js';
import type { Task } from '../../../sw/fhir/task.js';
import { drive, keys, reports, standing } from './drive.js';
import { base, fail, fakeServer, outcome, type Quirk, respond, when } from './server.js';

const at = (day: number) => ({ lastUpdated: `2026-03-${String(day).padStart(2, '0')}T10:00:00.250+01:00` });
const subject = { reference: 'Patient/p1' };
const goal = (n: number, more: object = {}) => ({
	resourceType: 'Goal',
	id: `g${n}`,
	meta: at(n),
	subject,
	expressedBy: { reference: `Practitioner/d${n}` },
	...more,
});
const doctor = (n: number) => ({ resourceType: 'Practitioner', id: `d${n}`, meta: at(1) });
const record = [
	{ resourceType: 'Patient', id: 'p1' },
	...[1, 2, 3, 4, 5].map((n) => goal(n)),
	...[1, 2, 3, 4, 5].map(doctor),
	{ resourceType: 'Coverage', id: 'c1', meta: at(1), beneficiary: subject, patient: subject },
];
const since = { Goal: at(4).lastUpdated };

function run(input: Parameters<typeof drive>[1], quirks: Quirk[] = [], of: typeof record = record) {
	const server = fakeServer(of, quirks);
	const { state, lines } = drive(server, input);
	const reading = (type: string) => readings(state).find((one) => one.type === type);
	return {
		state,
		lines,
		reading,
		goal: reading('Goal'),
		asked: server.requests.filter((one) => one.startsWith('Goal')),
		doctors: keys(lines).filter((key) => key.startsWith('Practitioner/')),
	};
}
/** Its answers to a search for changes. */
const changes = (answer: (url: URL) => ReturnType<typeof respond>) => when(/^Goal.*_lastUpdated/, answer);
const bundle = (url: URL, resources: object[], self?: string) =>
	respond(
		200,
		{
			resourceType: 'Bundle',
			link: self === undefined ? [] : [{ relation: 'self', url: self }],
			entry: resources.map((resource) => ({ resource })),
		},
		url.href,
	);

describe('what changed since an instant', () => {
	test('is all that is asked for, with what it refers to', () => {
		const { asked, goal: read, doctors, state, reading } = run({ since });
		expect(asked).toEqual([`Goal?patient=p1&_lastUpdated=gt${since.Goal}&_count=100`]);
		expect(doctors).toEqual(['Practitioner/d5']);
		expect(read).toEqual({ type: 'Goal', how: 'since', latest: at(5).lastUpdated, incremental: true });
		expect(reading('Practitioner')).toMatchObject({ how: 'since' });
		expect(reading('Coverage')).toMatchObject({ how: 'all', latest: at(1).lastUpdated });
		expect(reading('Patient')).toMatchObject({ how: 'all', latest: null });
		expect(reports(state)).toContainEqual({
			query: expect.stringContaining('_lastUpdated=gt'),
			status: 'ok',
			count: 1,
		});
	});

	test('is nothing where nothing changed, which is not an empty kind', () => {
		const { goal: read, state } = run({ since: { Goal: at(9).lastUpdated } });
		expect(read).toMatchObject({ how: 'since', latest: null, incremental: true });
		expect(standing(state)).toContainEqual({ type: 'Goal', count: 0, status: 'ok' });
	});

	test('is asked for in pieces too, which a server may not all know', () => {
		const { asked, goal: read } = run({ since }, [
			when(/^Goal\?patient=p1&_l/, (url) => respond(400, outcome('required'), url.href)),
			when(/lifecycle-status=(?!active|completed)/, (url) => respond(400, '', url.href)),
		]);
		expect(asked.length).toBeGreaterThan(2);
		for (const one of asked) expect(one).toContain('_lastUpdated=gt');
		expect(read).toMatchObject({ how: 'since' });
	});

	test('is never asked of the Patient, nor since what is no instant', () => {
		const { asked } = run({ since: { Goal: '2026-03-04', Patient: at(1).lastUpdated } });
		expect(asked[0]).toBe('Goal?patient=p1&_count=100');
	});

	const all = ['d1', 'd2', 'd3', 'd4', 'd5'].map((id) => `Practitioner/${id}`);
	test.each<[string, Quirk, object?]>([
		['brings something older', changes((url) => bundle(url, [goal(5), goal(3)]))],
		['brings something without an instant', changes((url) => bundle(url, [goal(5), goal(1, { meta: {} })]))],
		['says that it was another search', changes((url) => bundle(url, [], `${base}/Goal?patient=p1`))],
		['is refused', changes((url) => respond(400, outcome('not-supported'), url.href))],
		['fails', changes((url) => respond(500, '', url.href))],
		['does not come', changes(() => fail('timeout'))],
		['holds an error', changes((url) => bundle(url, [goal(5), outcome('incomplete')]))],
		[
			'leads elsewhere',
			changes((url) =>
				respond(200, { resourceType: 'Bundle', link: [{ relation: 'next', url: 'https://evil.example/' }] }, url.href),
			),
		],
	])('where the answer %s is not believed: the type is read fully in the same run', (_, quirk) => {
		const { goal: read, doctors, lines, state, asked } = run({ since, prove: true }, [quirk]);
		expect(read).toEqual({ type: 'Goal', how: 'all', latest: at(5).lastUpdated, incremental: false });
		expect(doctors).toEqual(all);
		expect(new Set(keys(lines)).size).toBe(lines.length);
		expect(asked[asked.length - 1]).not.toContain('_lastUpdated');
		expect(reports(state)).toContainEqual({ query: 'Goal?patient=p1', status: 'ok', count: 5 });
	});

	test('is read fully also after pieces, plainly again and not in those pieces', () => {
		const { goal: read, doctors, state } = run({ since }, [changes((url) => respond(400, '', url.href))]);
		expect(read).toMatchObject({ how: 'all', incremental: false });
		expect(doctors).toEqual(all);
		expect(reports(state).filter(({ query }) => query.startsWith('Goal'))).toEqual([
			{ query: 'Goal?patient=p1', status: 'ok', count: 5 },
		]);
	});

	test('is not taken for everything where a question for it was still out when the doubt came', () => {
		const vendor = { required: { Goal: 'lifecycle-status' } };
		const state = startCollect({ fhirBaseUrl: base, patientId: 'p1', scope: '', capability: null, vendor, since });
		const pieces = nextTasks(state, 100, new Set()).filter(({ type }) => type === 'Goal');
		expect(pieces.length).toBeGreaterThan(1);
		const [first, second] = pieces as [Task, Task];
		settle(state, first, fail('timeout'));
		expect(settle(state, second, bundle(new URL(second.url), [goal(5)]))).toEqual({ lines: [] });
		const again = nextTasks(state, 100, new Set()).filter(({ type }) => type === 'Goal');
		expect(again).toHaveLength(pieces.length);
		for (const { url } of again) expect(url).not.toContain('_lastUpdated');
	});

	test('is the same in any order and with any stops, whatever the doubts', () => {
		const ignores = changes((url) => bundle(url, [goal(1), goal(2), goal(3), goal(4), goal(5)]));
		for (const quirks of [[], [ignores]]) {
			const expected = run({ since, prove: true }, quirks);
			fc.assert(
				fc.property(fc.infiniteStream(fc.nat()), fc.infiniteStream(fc.nat({ max: 9 })), (choices, dice) => {
					const again = drive(
						fakeServer(record, quirks),
						{ since, prove: true },
						(n) => (choices.next().value ?? 0) % n,
						() => (dice.next().value ?? 0) < 2,
					);
					expect(again.lines.toSorted()).toEqual(expected.lines.toSorted());
					expect(readings(again.state)).toEqual(readings(expected.state));
					expect(reports(again.state)).toEqual(reports(expected.state));
				}),
				{ numRuns: 40 },
			);
		}
	});
});

describe('that changes can be asked for', () => {
	test('is proved by nothing after the latest, and something since before the oldest', () => {
		const { goal: read, asked, lines } = run({ prove: true });
		expect(asked.filter((one) => one.includes('_lastUpdated'))).toEqual([
			`Goal?patient=p1&_lastUpdated=gt${at(5).lastUpdated}&_count=10`,
			'Goal?patient=p1&_lastUpdated=ge2026-02-28T09:00:00.250Z&_count=1',
		]);
		expect(read).toEqual({ type: 'Goal', how: 'all', latest: at(5).lastUpdated, incremental: true });
		expect(new Set(keys(lines)).size).toBe(lines.length);
	});

	test('is asked with an end where the vendor is known to want one', () => {
		const closedRanges = ['Goal'];
		const end = '_lastUpdated=lt2999-12-31T00:00:00Z';
		const asked = [run({ prove: true, vendor: { closedRanges } }), run({ since, vendor: { closedRanges } })]
			.flatMap((one) => one.asked)
			.filter((one) => one.includes('_lastUpdated'));
		expect(asked).toHaveLength(3);
		for (const one of asked) expect(one).toContain(end);
	});

	test('may be proved while something changes', () => {
		const quirk = when(/_lastUpdated=gt/, (url) => bundle(url, [goal(6)]));
		expect(run({ prove: true }, [quirk]).goal?.incremental).toBe(true);
	});

	test.each<[string, Quirk]>([
		['ignores the parameter', changes((url) => bundle(url, [goal(1), goal(2)]))],
		['answers with the latest again', when(/_lastUpdated=gt/, (url) => bundle(url, [goal(5)]))],
		['answers nothing to it', changes((url) => bundle(url, []))],
		['drops the parameter', changes((url) => bundle(url, [], `${base}/Goal?patient=p1`))],
		['refuses it', changes((url) => respond(400, '', url.href))],
		['refuses it among the entries', changes((url) => bundle(url, [outcome('not-supported')]))],
		['fails', changes((url) => respond(500, '', url.href))],
	])('is not proved by a server that %s, which costs the reading nothing', (_, quirk) => {
		const { goal: read, state } = run({ prove: true }, [quirk]);
		expect(read).toEqual({ type: 'Goal', how: 'all', latest: at(5).lastUpdated, incremental: false });
		expect(reports(state).filter(({ status }) => status === 'failed' || status === 'refused')).toEqual([]);
		expect(standing(state)).toContainEqual({ type: 'Goal', count: 5, status: 'ok' });
	});

	test('is not asked where it was not wanted, is not worth it, or where a resource has no instant', () => {
		expect(run({}).asked.join()).not.toContain('_lastUpdated');
		expect(run({ prove: true }, [], [...record, goal(7, { meta: {} })]).asked.join()).not.toContain('_lastUpdated');
		const few = record.filter(({ id }) => !['g3', 'g4', 'g5'].includes(id));
		const { asked, goal: read } = run({ prove: true }, [], few);
		expect(asked.join()).not.toContain('_lastUpdated');
		expect(read).toMatchObject({ how: 'all', incremental: false });
	});
});

describe('a reading', () => {
	test('of a type of which something failed is some of it, or none', () => {
		const partly = run({}, [when(/^Goal.*from=4/, (url) => respond(500, '', url.href))]);
		expect(partly.goal).toMatchObject({ how: 'some' });
		const failed = run({}, [when(/^Goal/, (url) => respond(500, '', url.href))]);
		expect(failed.goal).toMatchObject({ how: 'none', latest: null });
	});

	test('of what the record refers to is all there is only if everything else is', () => {
		expect(run({}).reading('Practitioner')).toMatchObject({ how: 'all' });
		const { reading } = run({}, [when(/^Coverage/, (url) => respond(500, '', url.href))]);
		expect(reading('Practitioner')).toMatchObject({ how: 'some' });
		expect(reading('Goal')).toMatchObject({ how: 'all' });
		const missing = run({}, [when(/^Practitioner.*d3/, (url) => respond(404, '', url.href))]);
		expect(missing.reading('Practitioner')).toMatchObject({ how: 'some' });
	});
});
