import { expect, test } from 'vitest';
import { startCollect } from '../../../sw/fhir/collect.js';
import { hash, includesHash, see, wasSeen } from '../../../sw/fhir/seen.js';
import type { CollectState } from '../../../sw/fhir/state.js';

const fresh = () =>
	startCollect({ fhirBaseUrl: 'https://ehr.example', patientId: 'p1', scope: '', capability: null, vendor: {} });

test('a key is new once, also after the state was stored, and costs twelve characters', () => {
	let state = fresh();
	for (let n = 0; n < 10_000; n++) expect(see(state, `Observation/${n}`)).toBe(true);
	state = JSON.parse(JSON.stringify(state)) as CollectState;
	for (let n = 0; n < 10_000; n++) expect(see(state, `Observation/${n}`)).toBe(false);
	expect(wasSeen(state, 'Observation/10000')).toBe(false);
	expect(state.seen.join('')).toHaveLength(120_000);
	expect(state.seen.length).toBe(3);
});

test('keys that differ in one character or in order have different hashes', () => {
	const keys = ['', 'a', 'b', 'ab', 'ba', 'Goal/1', 'Goal/2', 'é', '\ud83d\ude00', '\ude00\ud83d'];
	const hashes = keys.map(hash);
	expect(new Set(hashes).size).toBe(keys.length);
	for (const one of hashes) expect(one).toMatch(/^[\w-]{12}$/);
});

test('a hash is found only where one begins', () => {
	const [a, b] = [hash('a'), hash('b')];
	expect(includesHash(a + b, b)).toBe(true);
	expect(includesHash(a + b, (a + b).slice(6, 18))).toBe(false);
});
