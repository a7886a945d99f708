import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readPage as page, readResource } from '../../../sw/fhir/page.js';
import { utf8 } from './server.js';

const base = 'https://ehr.example/fhir/r4';
const url = `${base}/Observation?patient=p1`;
const bundle = (more: object) => JSON.stringify({ resourceType: 'Bundle', type: 'searchset', ...more });
const readPage = (text: string, from: string, fhir: string) => page(utf8(text), from, fhir);
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
			expect(page.ok && page.resources.map(({ octets }) => new TextDecoder().decode(octets))).toEqual([
				'{"resourceType":"Observation","id":"o1"}',
			]);
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
		['entries that are no list', { entry: { resource: { resourceType: 'Goal', id: 'g' } } }, 'entry_invalid'],
		['an entry that is null', { entry: [null] }, 'entry_invalid'],
		['an entry without a resource', { entry: [{ response: { status: '503' } }] }, 'entry_invalid'],
		['a type that is no searchset', { type: 'batch-response', entry: [] }, 'not_a_searchset'],
	])('with %s is not all that there is', (_, more, reason) => {
		expect(readPage(bundle(more), url, base)).toMatchObject({ resources: [], problem: { status: 'failed', reason } });
	});

	test.each([
		['a list of links that is none', { link: { relation: 'next', url: '?page=2' } }],
		['a next link without an address', { link: [{ relation: 'next' }] }],
	])('with %s has more that cannot be followed', (_, more) => {
		expect(readPage(bundle(more), url, base)).toMatchObject({ next: null, nextProblem: 'next_invalid' });
	});

	test('that counts matches and shows none is in doubt, unless it links to more', () => {
		expect(readPage(bundle({ total: 57 }), url, base)).toMatchObject({ unsure: true, problem: null });
		expect(readPage(bundle({ total: 0 }), url, base)).toMatchObject({ unsure: false });
		const link = [{ relation: 'next', url: '?page=2' }];
		expect(readPage(bundle({ total: 57, link }), url, base)).toMatchObject({ unsure: false });
		const entry = [{ resource: { resourceType: 'Goal', id: 'g' } }];
		expect(readPage(bundle({ total: 57, entry }), url, base)).toMatchObject({ unsure: false });
	});

	test.each(['Bundle', 'Parameters'])('takes no %s for a resource of a record', (resourceType) => {
		const inner = { resourceType, id: 'b', entry: [{ resource: { resourceType: 'Patient', id: 'p2' } }] };
		const page = readPage(
			bundle({ entry: [{ resource: inner }, { resource: { resourceType: 'Goal', id: 'g' } }] }),
			url,
			base,
		);
		expect(page).toMatchObject({ resources: [{ resource: { id: 'g' } }], problem: { reason: 'entry_invalid' } });
		expect(readResource(utf8(JSON.stringify(inner)))).toMatchObject({ ok: false });
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
	const read = readResource(utf8('\ufeff{\n  "resourceType": "Patient",\n  "id": "p1", "x": 1.50\n}\n'));
	expect(read).toMatchObject({
		ok: true,
		served: { octets: utf8('{"resourceType": "Patient","id": "p1", "x": 1.50}') },
	});
});

describe('octets', () => {
	const line = (bytes: Uint8Array) => {
		const read = page(bytes, url, base);
		return read.ok ? read.resources[0]?.octets : undefined;
	};
	const odd = '{ "resourceType":"Goal","id":"g","n":1.50,"e":1E+2,"t":"\\ud83d\\ude00 😀 \\u00e9\\/ \\ud83d é" }';
	const around = (resource: string) => `{"resourceType":"Bundle","é":"😀","entry":[{"resource":${resource}}]}`;

	test('of a resource are those of the answer, not a copy', () => {
		const bytes = utf8(around(odd));
		const octets = line(bytes);
		expect(octets).toEqual(utf8(odd));
		expect(octets?.buffer).toBe(bytes.buffer);
	});

	test('of a byte order mark are not in it', () => {
		expect(line(utf8(`\ufeff${around(odd)}`))).toEqual(utf8(odd));
		const bare = readResource(utf8(`\ufeff${odd}`));
		expect(bare).toMatchObject({ ok: true, served: { octets: utf8(odd) } });
	});

	test('that are not UTF-8 become the replacement character, and the rest stays', () => {
		const [before = '', after = ''] = around('{"resourceType":"Goal","id":"g","t":"<é|>"}').split('|');
		// Latin-1, a surrogate, a cut sequence.
		for (const broken of [[0xe9], [0xed, 0xa0, 0xbd], [0xf0, 0x9f, 0x98]]) {
			const bytes = new Uint8Array([...utf8(before), ...broken, ...utf8(after)]);
			const text = new TextDecoder('utf-8', { fatal: true }).decode(line(bytes));
			expect(JSON.parse(text).t).toMatch(/^<é\ufffd+>$/);
		}
	});

	test('of any resource, in any indentation, are the same JSON on one line', () => {
		fc.assert(
			fc.property(fc.jsonValue({ stringUnit: 'binary' }), fc.constantFrom(0, 2, '\t', ' \t'), (json, indent) => {
				const resource = { resourceType: 'Goal', id: 'g', json };
				const text = JSON.stringify({ resourceType: 'Bundle', entry: [{ resource }] }, null, indent);
				for (const ends of ['\n', '\r\n', '\r']) {
					const own = new TextDecoder().decode(line(utf8(text.replaceAll('\n', ends))));
					expect(own).not.toMatch(/[\r\n]/);
					expect(JSON.parse(own)).toEqual(JSON.parse(JSON.stringify(resource)));
				}
			}),
			{ numRuns: 200 },
		);
	});
});
