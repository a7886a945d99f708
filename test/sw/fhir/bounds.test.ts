/** What a server may do to a collection: nothing that it sends makes more of it than one query's failure, or has no end. */
import { expect, test } from 'vitest';
import { isDone, nextTasks, settle, startCollect } from '../../../sw/fhir/collect.js';
import { MAX_DOCUMENTS, wantDocuments } from '../../../sw/fhir/documents.js';
import { MAX_REFERENCES, wantReferences } from '../../../sw/fhir/references.js';
import { boundReports, finishLines, kinds, report } from '../../../sw/fhir/report.js';
import { addMissing, emptyTally, missingNames } from '../../../sw/fhir/state.js';
import { drive, keys, reports, standing } from './drive.js';
import { base, fakeServer, outcome, respond, when } from './server.js';

const subject = { reference: 'Patient/p1' };
const patient = { resourceType: 'Patient', id: 'p1' };
const record = [patient, { resourceType: 'Goal', id: 'g1', subject }, { resourceType: 'Condition', id: 'c1', subject }];
const bundle = (...resources: object[]) => ({
	resourceType: 'Bundle',
	type: 'searchset',
	entry: resources.map((resource) => ({ resource })),
});
const start = (wants: string[] = []) =>
	startCollect({ fhirBaseUrl: base, patientId: 'p1', scope: '', capability: null, vendor: {}, wants });

test.each(['subject', 'participant', 'content', 'extension'])(
	'a resource whose %s is 20,000 deep is read',
	(member) => {
		const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
		const text = `{"resourceType":"DocumentReference","id":"d","${member}":${deep}}`;
		const page = `{"resourceType":"Bundle","entry":[{"resource":${text}}]}`;
		const server = fakeServer(record, [when(/^DocumentReference\?/, (url) => respond(200, page, url.href))]);
		expect(drive(server).lines).toContain(text);
	},
);

test('an answer that cannot be taken in costs its own query, and nothing else of the record', () => {
	const server = fakeServer(record, [
		when(/^Goal\?/, (url) => ({
			...(respond(200, '', url.href) as Extract<ReturnType<typeof respond>, { kind: 'response' }>),
			get bytes(): Uint8Array {
				throw new RangeError('too deep');
			},
		})),
	]);
	const { state, lines } = drive(server);
	expect(keys(lines)).toEqual(['Condition/c1', 'Patient/p1']);
	expect(reports(state)).toContainEqual({
		query: 'Goal?patient=p1',
		status: 'failed',
		count: 0,
		reason: 'not_readable',
	});
	expect(standing(state)).toContainEqual({ type: 'Goal', count: 0, status: 'failed' });
});

test('a record that points to more documents than can be fetched has that many fetched, and says how many were left', () => {
	const state = start(['DocumentReference']);
	const content = Array.from({ length: MAX_DOCUMENTS + 7 }, (_, i) => ({ attachment: { url: `Binary/${i}` } }));
	wantDocuments(state, { resourceType: 'DocumentReference', id: 'd', content });
	wantDocuments(state, { resourceType: 'DocumentReference', id: 'e', content: content.slice(0, 3) });
	expect(state.toFetch.items).toHaveLength(MAX_DOCUMENTS);
	expect(report(state)).toContainEqual({ query: 'Binary', status: 'failed', count: 7, reason: 'too_many' });
	expect(kinds(state).find(({ type }) => type === 'Binary')).toMatchObject({ status: 'loading' });
});

test('what is too much to follow takes no room in the state', () => {
	const refer = (from: number, to: number) =>
		Array.from({ length: to - from }, (_, i) => ({ reference: `Practitioner/${from + i}` }));
	const state = start();
	wantReferences(state, { resourceType: 'Goal', note: refer(0, MAX_REFERENCES) });
	const before = JSON.stringify(state).length;
	wantReferences(state, { resourceType: 'Goal', note: refer(MAX_REFERENCES, 2 * MAX_REFERENCES) });
	expect(JSON.stringify(state).length - before).toBeLessThan(10);
});

test('a server that makes up resource types has no more than fit the disk and an agent, and the record’s own', () => {
	const name = (i: number) => `Made${String(i).replace(/\d/g, (digit) => 'abcdefghij'[Number(digit)]!)}`;
	const made = Array.from({ length: 5000 }, (_, i) => ({ resourceType: name(i), id: 'x' }));
	// Immunization is asked after it.
	const all = [...record, { resourceType: 'Immunization', id: 'i1', subject }];
	const server = fakeServer(all, [when(/^AllergyIntolerance\?/, (url) => respond(200, bundle(...made), url.href))]);
	const { state, lines } = drive(
		server,
		{},
		() => 0,
		() => false,
		1,
	);
	const types = new Set(lines.map((line) => JSON.parse(line).resourceType));
	expect(types.size).toBeLessThan(250);
	expect(Object.keys(state.types).length).toBeLessThan(250);
	expect([...types]).toEqual(expect.arrayContaining(['Patient', 'Goal', 'Condition', 'Immunization']));
	const excess = reports(state).find(({ query }) => query === 'resources');
	expect(excess).toMatchObject({ status: 'failed', reason: 'too_many' });
	expect(lines.length - all.length + excess!.count).toBe(5000);
});

test('names of what is missing are the same ones in whatever order they come, and the rest is counted', () => {
	const names = Array.from({ length: 1000 }, (_, i) => `n${String(i).padStart(4, '0')}`);
	const noted = (order: string[]) => {
		const tally = emptyTally();
		for (const one of order) addMissing(tally, one, { status: 'failed', reason: 'http_500' });
		return missingNames(tally.missing['failed http_500']!);
	};
	const forth = noted(names);
	expect(forth).toEqual({ names: names.slice(0, 200), more: 800 });
	expect(noted([...names].reverse())).toEqual(forth);
});

test('reasons without end are told apart only so far', () => {
	const tally = emptyTally();
	for (let i = 0; i < 500; i++) addMissing(tally, `n${i}`, { status: 'failed', reason: `http_${i}` });
	expect(Object.keys(tally.missing).length).toBeLessThan(30);
	const all = Object.values(tally.missing).map(missingNames);
	expect(all.reduce((sum, { names, more }) => sum + names.length + more, 0)).toBe(500);
});

test('the reports of a record with documents and references without end stay small, and count all that is missing', () => {
	const elsewhere = `https://documents.elsewhere.test/${'x'.repeat(150)}`;
	const content = Array.from({ length: 8000 }, (_, i) => ({ attachment: { url: `${elsewhere}/${i}.pdf` } }));
	const related = Array.from({ length: 3000 }, (_, i) => ({ reference: `Practitioner/${'p'.repeat(50)}-${i}` }));
	const all = [...record, { resourceType: 'DocumentReference', id: 'd', subject, content, related }];
	const server = fakeServer(all, [when(/^Practitioner/, (url) => respond(404, outcome('not-found'), url.href))]);
	const { state } = drive(server);
	const told = report(state);
	expect(JSON.stringify(told).length).toBeLessThan(150_000);
	const missing = (type: string) =>
		told
			.filter(({ query, status }) => query.startsWith(type) && (status === 'failed' || status === 'refused'))
			.reduce((sum, { query, count }) => sum + (query.split('?_id=')[1]?.split(',').length ?? count), 0);
	expect(missing('Binary')).toBe(8000);
	expect(missing('Practitioner')).toBe(3000);
	expect(finishLines(state).some(({ octets }) => new TextDecoder().decode(octets).includes(' missing)'))).toBe(true);
});

test('numbers take the place of names where there is no room for them, by type and reason', () => {
	const of = (type: string, names: number, reason: string) => ({
		query: `${type}?_id=${Array.from({ length: names }, (_, i) => `n${i}`).join(',')}`,
		status: 'failed' as const,
		count: 0,
		reason,
	});
	const search = { query: `Goal?patient=${'p'.repeat(500)}`, status: 'ok' as const, count: 3 };
	const all = [of('Binary', 20, 'http_500'), search, of('Binary', 30, 'http_500'), of('Binary', 40, 'timeout')];
	expect(boundReports(all, 10_000)).toEqual(all);
	expect(boundReports(all, 100)).toEqual([
		all[0],
		search,
		{ query: 'Binary', status: 'failed', count: 30, reason: 'http_500' },
		{ query: 'Binary', status: 'failed', count: 40, reason: 'timeout' },
	]);
});

test('a page that was not foreseen leaves nothing to do', () => {
	const state = start(['Goal']);
	const [task] = nextTasks(state, 1, new Set());
	settle(state, task!, respond(200, '{"resourceType":"Bundle","entry":7,"link":"x","total":"y"}', task!.url));
	for (const other of nextTasks(state, 9, new Set())) settle(state, other, respond(200, 'null', other.url));
	expect(isDone(state)).toBe(true);
});
