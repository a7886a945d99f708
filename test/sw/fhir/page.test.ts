import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readPage, readResource } from '../../../sw/fhir/page.js';

const base = 'https://ehr.example/fhir/r4';
const url = `${base}/Observation?patient=p1`;
const bundle = (more: object) => JSON.stringify({ resourceType: 'Bundle', type: 'searchset', ...more });
const next = (to: string) => readPage(bundle({ link: [{ relation: 'next', url: to }] }), url, base);

describe('a page', () => {
	test.each([
		['<!doctype html><h1>404</h1>', 'not_json'],
		['', 'not_json'],
		['{"resourceType":"Bundle"', 'not_json'],
		['[]', 'not_json'],
		['{"resourceType":"Patient","id":"p1"}', 'not_a_bundle'],
		['{}', 'not_a_bundle'],
	])('that is %s is a failure of code %s', (text, reason) => {
		expect(readPage(text, url, base)).toEqual({ ok: false, problem: { status: 'failed', reason } });
	});

	test('that is an OperationOutcome is refused for the reason that it gives', () => {
		const text = JSON.stringify({ resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'required' }] });
		expect(readPage(text, url, base)).toMatchObject({ ok: false, problem: { code: 'required', status: 'refused' } });
	});

	test('leaves out OperationOutcome entries and notes only errors among them', () => {
		const entries = (severity: string) => ({
			entry: [
				{ resource: { resourceType: 'Observation', id: 'o1' } },
				{ resource: { resourceType: 'OperationOutcome', issue: [{ severity, code: 'processing' }] } },
			],
		});
		for (const severity of ['warning', 'information'])
			expect(readPage(bundle(entries(severity)), url, base)).toMatchObject({ resources: [{}], problem: null });
		for (const severity of ['error', 'fatal']) {
			const page = readPage(bundle(entries(severity)), url, base);
			expect(page).toMatchObject({ problem: { status: 'failed', reason: 'outcome_processing' } });
			expect(page.ok && page.resources.map(({ line }) => line)).toEqual(['{"resourceType":"Observation","id":"o1"}']);
		}
	});

	test('that was cut off anywhere is a failure, never a shorter page', () => {
		const text = bundle({
			entry: [{ resource: { resourceType: 'Goal', id: 'g', note: '😀 \\ "' } }],
			link: [{ relation: 'next', url: '?page=2' }],
		});
		fc.assert(
			fc.property(fc.integer({ min: 0, max: text.length - 1 }), (length) => {
				expect(readPage(text.slice(0, length), url, base)).toMatchObject({
					ok: false,
					problem: { reason: 'not_json' },
				});
			}),
		);
	});

	test('an entry that is no resource is noted and does not cost the others', () => {
		const page = readPage(
			bundle({ entry: [{ resource: 7 }, null, { fullUrl: 'x' }, { resource: { resourceType: 'Goal', id: 'g' } }] }),
			url,
			base,
		);
		expect(page).toMatchObject({ resources: [{ resource: { id: 'g' } }], problem: { reason: 'entry_invalid' } });
	});

	test.each([
		['https://ehr.example/fhir/R4/Observation?page=2', 'https://ehr.example/fhir/R4/Observation?page=2'],
		['?page=2', `${base}/Observation?page=2`],
		['Observation?page=2#x', `${base}/Observation?page=2`],
		['/other?sessionID=1', 'https://ehr.example/other?sessionID=1'],
		['//ehr.example:443/x', 'https://ehr.example/x'],
	])('links on to %s as %s', (to, absolute) => {
		expect(next(to)).toMatchObject({ next: absolute, nextProblem: null });
	});

	test.each([
		'https://evil.example/fhir?page=2',
		'http://ehr.example/fhir/r4/Observation?page=2',
		'https://ehr.example:8443/x',
		'https://ehr.example@evil.example/x',
		'https://user:pass@ehr.example/x',
		'//evil.example/x',
		'https://ehr.example.evil.example/',
		'\\\\evil.example\\x',
		'data:text/plain,x',
		'blob:https://ehr.example/x',
		'https://[',
	])('never links on to %s', (to) => {
		expect(next(to)).toMatchObject({ next: null, nextProblem: 'next_other_origin' });
	});
});

test('a read resource keeps its text, on one line and without a byte order mark', () => {
	const read = readResource('\ufeff{\n  "resourceType": "Patient",\n  "id": "p1", "x": 1.50\n}\n');
	expect(read).toMatchObject({ ok: true, served: { line: '{"resourceType": "Patient","id": "p1", "x": 1.50}' } });
});
