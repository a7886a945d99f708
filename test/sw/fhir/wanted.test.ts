/** What is read for somebody who asked for some types, and what of it is all that there is. */
import { expect, test } from 'vitest';
import { readings } from '../../../sw/fhir/readings.js';
import { leadsTo, unreached, wholeTypes } from '../../../sw/fhir/wanted.js';
import { drive, keys, reports, standing } from './drive.js';
import { base, fakeServer, respond, when } from './server.js';

const subject = { reference: 'Patient/p1' };
const goal = { resourceType: 'Goal', id: 'g1', subject, expressedBy: { reference: 'Practitioner/d1' } };
const record = [
	{ resourceType: 'Patient', id: 'p1' },
	goal,
	{ resourceType: 'Condition', id: 'c1', subject },
	{ resourceType: 'Practitioner', id: 'd1' },
];
const adds = (...resources: object[]) =>
	when(/^Goal\?/, (url) => {
		const entry = [goal, ...resources].map((resource) => ({ resource }));
		return respond(200, { resourceType: 'Bundle', type: 'searchset', entry }, url.href);
	});
const unsearched = { status: 'refused', count: 0, reason: 'not_searched' };

test('what a server adds to it is not taken, but for what it refers to', () => {
	const added = [
		{ resourceType: 'Condition', id: 'c1', subject },
		{ resourceType: 'Practitioner', id: 'd2' },
		{ resourceType: 'Provenance', id: 'v1', target: [{ reference: 'Goal/g1' }] },
	];
	const { lines, state } = drive(fakeServer(record, [adds(...added)]), { wants: ['Goal'] });
	expect(keys(lines)).toEqual(['Goal/g1', 'Patient/p1', 'Practitioner/d1']);
	expect(reports(state).map(({ query }) => query)).toEqual(['Patient/p1', 'Goal?patient=p1', 'Practitioner']);
	expect(keys(drive(fakeServer(record, [adds(...added)])).lines)).toEqual(
		expect.arrayContaining(['Practitioner/d2', 'Provenance/v1']),
	);
});

test('a type that no search reads has an answer, unless something led to it', () => {
	const wants = ['Goal', 'Practitioner', 'Organization', 'Binary', 'VerificationResult'];
	const { state } = drive(fakeServer(record), { wants });
	expect(reports(state).filter(({ status }) => status !== 'ok')).toEqual(
		['Organization', 'Binary', 'VerificationResult'].map((query) => ({ query, ...unsearched })),
	);
	expect(standing(state)).toContainEqual({ type: 'Organization', count: 0, status: 'refused' });
	expect(standing(state)).toContainEqual({ type: 'Practitioner', count: 1, status: 'ok' });
});

test('documents have their answer where what carries them was asked for', () => {
	expect(unreached(['Binary', 'DocumentReference'], () => false)).toEqual([]);
	expect(unreached(['Binary', 'Goal'], () => false)).toEqual(['Binary']);
	expect(unreached(['Binary', 'Goal'], () => true)).toEqual([]);
});

test('all of a type is given where it is searched for; nothing asked for is everything', () => {
	expect(wholeTypes([])).toBeNull();
	expect([...wholeTypes(['Goal', 'Practitioner', 'Binary', 'Device', 'VerificationResult'])!]).toEqual([
		...['Patient', 'Goal', 'Device', 'VerificationResult'],
	]);
});

test('a document at another origin leads to none of the server’s, whatever its address ends in', () => {
	const content = ['Binary/7', 'https://elsewhere.test/Binary/8'].map((url) => ({ attachment: { url } }));
	expect(leadsTo({ resourceType: 'DocumentReference', content }, base)).toEqual({
		references: [],
		documents: [`${base}/Binary/7`],
		elsewhere: ['https://elsewhere.test/Binary/8'],
	});
});

test.each([
	['entries that are no list', { total: 1, entry: { resource: goal } }],
	['entries without a resource', { entry: [{ fullUrl: 'x' }, { response: { status: '503' } }] }],
	['entries that are null', { total: 2, entry: [null, null] }],
	['a count alone', { total: 57 }],
	['the answers of a batch', { type: 'batch-response', entry: [{ response: { status: '500' } }] }],
	['links that are no list', { link: { relation: 'next', url: `${base}/Goal?page=2` }, entry: [{ resource: goal }] }],
	['a next link without an address', { link: [{ relation: 'next' }], entry: [{ resource: goal }] }],
])('an answer with %s is not all that there is', (_, page) => {
	const odd = when(/^Goal\?/, (url) => respond(200, { resourceType: 'Bundle', ...page }, url.href));
	const { state } = drive(fakeServer(record, [odd]));
	expect(readings(state).find(({ type }) => type === 'Goal')?.how).toMatch(/^(some|none)$/);
	expect(readings(state).find(({ type }) => type === 'Condition')?.how).toBe('all');
	expect(readings(state).find(({ type }) => type === 'Practitioner')?.how ?? 'some').toBe('some');
});

test('a server that only miscounts is not said to have failed', () => {
	const odd = when(/^Goal\?/, (url) => respond(200, { resourceType: 'Bundle', total: 50 }, url.href));
	const { state } = drive(fakeServer(record, [odd]));
	expect(standing(state)).toContainEqual({ type: 'Goal', count: 0, status: 'empty' });
});
