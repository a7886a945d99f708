import { expect, test } from 'vitest';
import { nextTasks, settle, startCollect } from '../../../sw/fhir/collect.js';
import { kinds, report, totals } from '../../../sw/fhir/report.js';
import type { CollectState } from '../../../sw/fhir/state.js';
import type { Outcome, Task } from '../../../sw/fhir/task.js';
import { drive } from './drive.js';
import { base, fail, fakeServer, respond, when } from './server.js';

const subject = { reference: 'Patient/p1' };
const record = [
	{ resourceType: 'Patient', id: 'p1' },
	...[1, 2, 3, 4, 5].map((n) => ({
		resourceType: 'Encounter',
		id: `e${n}`,
		subject,
		participant: [{ individual: { reference: `Practitioner/d${n}` } }],
	})),
	...[1, 2, 3, 4].map((n) => ({ resourceType: 'Practitioner', id: `d${n}`, name: [{ text: 'Ñ 😀' }] })),
	{
		resourceType: 'DocumentReference',
		id: 'doc',
		subject,
		content: ['Binary/a', 'Binary/b', 'https://elsewhere.example/c'].map((url) => ({ attachment: { url } })),
	},
];
const start = (more: object = {}) =>
	startCollect({ fhirBaseUrl: base, patientId: 'p1', scope: '', capability: null, vendor: {}, ...more });
const kind = (state: CollectState, type: string, inFlight?: ReadonlyMap<string, number>, now?: number) =>
	kinds(state, inFlight, now).find((one) => one.type === type);
/** Settles all that can be asked for now. */
function step(state: CollectState, server: (task: Task) => Outcome) {
	for (const task of nextTasks(state, 100, new Set())) settle(state, task, server(task));
}

test('a report says how many answers a query took, and how long they took', () => {
	const { state } = drive(fakeServer(record));
	expect(report(state)).toContainEqual({ query: 'Encounter?patient=p1', status: 'ok', count: 5, pages: 3, ms: 30 });
	expect(report(state)).toContainEqual({ query: 'Goal?patient=p1', status: 'empty', count: 0, pages: 1, ms: 10 });
	// A batch of five on two pages, of which the second brings what is left.
	expect(report(state)).toContainEqual({ query: 'Practitioner', status: 'ok', count: 4, pages: 3, ms: 30 });
	expect(report(state)).toContainEqual(
		expect.objectContaining({ query: 'Practitioner?_id=d5', status: 'refused', reason: 'http_404' }),
	);
});

test('no answer took time too, and is no answer', () => {
	const { state } = drive(fakeServer(record, [when(/^Goal/, () => ({ ...fail('timeout'), ms: 60_000.4 }))]));
	expect(report(state)).toContainEqual({
		query: 'Goal?patient=p1',
		status: 'failed',
		count: 0,
		reason: 'timeout',
		pages: 0,
		ms: 60_000,
	});
	expect(kind(state, 'Goal')).toMatchObject({ ms: 60_000, status: 'failed' });
});

test('a kind’s octets are those of its lines, and all kinds together are the totals', () => {
	const { state, lines } = drive(fakeServer(record));
	const doctors = lines.filter((line) => line.includes('"resourceType":"Practitioner"'));
	expect(kind(state, 'Practitioner')).toMatchObject({
		count: 4,
		bytes: doctors.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0),
	});
	const all = kinds(state);
	expect(totals(state)).toEqual({
		resources: all.reduce((sum, { count }) => sum + count, 0),
		bytes: all.reduce((sum, { bytes }) => sum + bytes, 0),
	});
});

test('how many there are to be is known of what the record refers to', () => {
	const server = fakeServer(record, [], 100);
	const state = start();
	step(state, server);
	expect(kind(state, 'Practitioner')).toMatchObject({ count: 0, of: 5, status: 'loading' });
	// The one elsewhere is known to be there, and to be missing.
	expect(kind(state, 'Binary')).toMatchObject({ count: 0, of: 3, status: 'loading' });
	while (nextTasks(state, 1, new Set()).length > 0) step(state, server);
	expect(kind(state, 'Practitioner')).toMatchObject({ count: 4, of: 5, status: 'partial' });
});

test('how many there are to be is otherwise expected to be as many as before, until there are more or it is over', () => {
	const expected = { Encounter: 3, Goal: 2 };
	const server = fakeServer(record);
	const state = start({ expected });
	expect(kind(state, 'Encounter')).toMatchObject({ of: 3, status: 'waiting' });
	step(state, server);
	expect(kind(state, 'Encounter')).toMatchObject({ count: 2, of: 3, status: 'loading' });
	expect(kind(state, 'Goal')).toMatchObject({ of: null, status: 'empty' });
	step(state, server);
	expect(kind(state, 'Encounter')).toMatchObject({ count: 4, of: null, status: 'loading' });
	const changes = start({ expected, since: { Encounter: '2026-03-01T00:00:00Z' } });
	expect(kind(changes, 'Encounter')).toMatchObject({ of: null });
});

test('a kind is slow since its oldest request that is out for more than five seconds', () => {
	const state = start();
	const tasks = nextTasks(state, 100, new Set());
	const out = (...of: [type: string, since: number][]) =>
		new Map(of.map(([type, since]) => [tasks.find((task) => task.type === type)?.id ?? '', since]));
	expect(kind(state, 'Goal', out(['Goal', 1000]), 6001)?.slowSince).toBe(1000);
	expect(kind(state, 'Goal', out(['Goal', 1000]), 6000)?.slowSince).toBeNull();
	expect(kind(state, 'Goal', out(['Encounter', 1000]), 9000)?.slowSince).toBeNull();
	step(state, fakeServer(record, [], 100));
	const further = nextTasks(state, 100, new Set());
	expect(further.map(({ type }) => type)).toEqual(['Practitioner', 'Binary', 'Binary']);
	const flying = new Map([...further.map(({ id }, n) => [id, 2000 - n] as const), ['w99@0', 0] as const]);
	expect(kind(state, 'Practitioner', flying, 9000)?.slowSince).toBe(2000);
	expect(kind(state, 'Binary', flying, 9000)?.slowSince).toBe(1998);
});

test('the state is small, whatever the record', () => {
	const many = Array.from({ length: 3000 }, (_, n) => ({ resourceType: 'Encounter', id: `encounter-${n}`, subject }));
	const urls = Array.from({ length: 500 }, (_, n) => ({ attachment: { url: `Binary/${n}` } }));
	const document = { resourceType: 'DocumentReference', id: 'many', subject, content: urls };
	const server = fakeServer(
		[...record, ...many, document],
		[when(/^Binary/, (url) => respond(200, 'x', url.href, 'text/plain'))],
		100,
	);
	const { state } = drive(server);
	expect(JSON.stringify(state).length).toBeLessThan(12_000 + 13 * (3000 + 2 * 500));
	expect(state.toFetch).toEqual({ first: 502, items: [] });
});
