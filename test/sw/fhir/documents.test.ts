import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nextTasks, settle, startCollect } from '../../../sw/fhir/collect.js';
import { base64, base64Slices, documentName, MAX_DOCUMENT_BYTES } from '../../../sw/fhir/documents.js';
import { totals } from '../../../sw/fhir/report.js';
import type { Outcome, Task } from '../../../sw/fhir/task.js';
import { drive, reports } from './drive.js';
import { base, fail, fakeServer, outcome, respond } from './server.js';

const bytes = (text: string) => new TextEncoder().encode(text);
const attached = { url: 'Binary/a', contentType: 'text/rtf' };
const octets = (url: URL, body: Uint8Array, contentType: string | null = 'application/pdf'): Outcome => ({
	kind: 'response',
	status: 200,
	contentType,
	url: url.href,
	bytes: body,
	ms: 10,
});

function collect(
	attachments: object[],
	answer: (url: URL, task: Task) => Outcome,
	input: Parameters<typeof drive>[1] = {},
) {
	const record = [
		{ resourceType: 'Patient', id: 'p1' },
		{
			resourceType: 'DiagnosticReport',
			id: 'r1',
			subject: { reference: 'Patient/p1' },
			presentedForm: attachments.slice(1),
		},
		{
			resourceType: 'DocumentReference',
			id: 'd1',
			subject: { reference: 'Patient/p1' },
			content: attachments.slice(0, 1).map((attachment) => ({ attachment })),
		},
	];
	const tasks: Task[] = [];
	const server = fakeServer(record, [
		(url, task) => {
			if (task.kind !== 'binary') return undefined;
			tasks.push(task);
			return answer(url, task);
		},
	]);
	const run = drive(server, input);
	return {
		...run,
		tasks,
		binaries: run.lines.filter((line) => line.includes('"Binary"')),
		reports: reports(run.state).filter(({ query }) => query.startsWith('Binary')),
	};
}

test('base64 is that of Node for any octets', () => {
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 200 }), (some) => {
			expect(base64Slices(some)).toBe(Buffer.from(some).toString('base64'));
			expect(base64(some)).toBe(base64Slices(some));
		}),
	);
	const large = Uint8Array.from({ length: 100_001 }, (_, n) => (n * 31) & 255);
	expect(base64Slices(large)).toBe(Buffer.from(large).toString('base64'));
});

describe('a document', () => {
	test('is asked for in its own content type, from either resource, and becomes a Binary', () => {
		const { tasks, binaries, reports } = collect(
			[
				{ url: 'Binary/a', contentType: 'application/pdf' },
				{ url: `${base}/Binary/b`, contentType: 'text/html; charset=utf-8' },
			],
			(url, { accept }) => octets(url, bytes(url.pathname), accept),
		);
		expect(tasks.map(({ url, accept }) => [url, accept]).sort()).toEqual([
			[`${base}/Binary/a`, 'application/pdf'],
			[`${base}/Binary/b`, 'text/html; charset=utf-8'],
		]);
		expect(binaries.map((line) => JSON.parse(line))).toContainEqual({
			resourceType: 'Binary',
			id: 'b',
			contentType: 'text/html; charset=utf-8',
			data: Buffer.from('/fhir/r4/Binary/b').toString('base64'),
		});
		expect(reports).toEqual([{ query: 'Binary', status: 'ok', count: 2 }]);
	});

	test('comes in every rendition, each asked for and kept in its own type', () => {
		const renditions: [type: string, body: Uint8Array][] = [
			['application/rtf', bytes("{\\\\rtf1 caf\\\\'e9}")],
			['text/html; charset=iso-8859-1', new Uint8Array([0x3c, 0x70, 0x3e, 0xe9])],
			['application/xml', bytes('<ClinicalDocument xmlns="urn:hl7-org:v3"/>')],
			['application/pdf', new Uint8Array([0x25, 0x50, 0x44, 0x46, 0xff, 0x00, 0x0a])],
			['text/plain', bytes('Größe 😀\r\n')],
			['image/jpeg', new Uint8Array([0xff, 0xd8, 0xff, 0xe0])],
			['image/tiff', new Uint8Array([0x4d, 0x4d, 0x00, 0x2a])],
		];
		const record = [
			{ resourceType: 'Patient', id: 'p1' },
			{
				resourceType: 'DocumentReference',
				id: 'd1',
				subject: { reference: 'Patient/p1' },
				content: renditions.map(([contentType], n) => ({ attachment: { contentType, url: `Binary/r${n}` } })),
			},
		];
		const server = fakeServer(record, [
			(url, { kind, accept }) => {
				const body = renditions.find(([type], n) => type === accept && url.pathname.endsWith(`/r${n}`))?.[1];
				return kind === 'binary' ? (body ? octets(url, body, accept) : respond(406, '', url.href)) : undefined;
			},
		]);
		const { lines } = drive(server);
		const binaries = lines.map((line) => JSON.parse(line)).filter(({ resourceType }) => resourceType === 'Binary');
		expect(binaries.map(({ contentType, data }) => [contentType, Buffer.from(data, 'base64')])).toEqual(
			renditions.map(([contentType, body]) => [contentType, Buffer.from(body)]),
		);
	});

	test('that the server gives as FHIR JSON is passed on as served', () => {
		const served = '{ "resourceType": "Binary",\n "id": "a", "contentType": "text/plain", "data": "aGk=" }';
		const { binaries } = collect([{ url: 'Binary/a', contentType: 'text/plain' }], (url) =>
			octets(url, bytes(served), 'application/fhir+json; charset=UTF-8'),
		);
		expect(binaries).toEqual([served.replace('\n ', '')]);
	});

	test('that the server says is another patient’s is set aside', () => {
		const served = { resourceType: 'Binary', id: 'a', securityContext: { reference: 'Patient/p2' }, data: 'aGk=' };
		const { binaries, reports } = collect([{ url: 'Binary/a' }], (url) => respond(200, served, url.href));
		expect(binaries).toEqual([]);
		expect(reports).toEqual([{ query: 'Binary?_id=a', status: 'failed', count: 0, reason: 'other_patient' }]);
	});

	test('that is JSON itself stays a document', () => {
		const { binaries } = collect([{ url: 'Binary/a', contentType: 'application/json' }], (url) =>
			octets(url, bytes('{"a":1}'), 'application/json'),
		);
		expect(JSON.parse(binaries[0] ?? '')).toMatchObject({ contentType: 'application/json', data: 'eyJhIjoxfQ==' });
	});

	test('is asked for in any type when its own is not acceptable', () => {
		const { tasks, binaries } = collect([{ url: 'Binary/a', contentType: 'text/rtf' }], (url, { accept }) =>
			accept === '*/*' ? octets(url, bytes('x'), 'application/rtf') : respond(406, '', url.href),
		);
		expect(tasks.map(({ accept }) => accept)).toEqual(['text/rtf', '*/*']);
		expect(binaries).toHaveLength(1);
	});

	test('is not lost when an answer that was settled before comes again', () => {
		const server = fakeServer([{ resourceType: 'Patient', id: 'p1' }]);
		const state = startCollect({ fhirBaseUrl: base, patientId: 'p1', scope: '', capability: null, vendor: {} });
		const reference = { resourceType: 'DocumentReference', id: 'd1', content: [{ attachment: attached }] };
		for (const task of nextTasks(state, 100, new Set())) {
			const found = { resourceType: 'Bundle', entry: [{ resource: reference }] };
			settle(state, task, task.type === 'DocumentReference' ? respond(200, found, task.url) : server(task));
		}
		const [asked] = nextTasks(state, 100, new Set());
		if (!asked) throw new Error('no document is asked for');
		const refused = respond(406, '', asked.url);
		settle(state, asked, refused);
		settle(state, asked, refused);
		expect(nextTasks(state, 100, new Set())).toMatchObject([{ url: asked.url, accept: '*/*' }]);
	});

	test('is fetched once, whoever points to it, and not at all when it is inline', () => {
		const { tasks } = collect(
			[
				{ url: 'Binary/a' },
				{ url: `${base}/Binary/a#page=2` },
				{ url: 'Binary/c', data: 'aGk=' },
				{ data: 'aGk=' },
				{},
			],
			(url) => octets(url, bytes('x')),
		);
		expect(tasks.map(({ url, accept }) => [url, accept])).toEqual([[`${base}/Binary/a`, '*/*']]);
	});

	test('of another origin is never fetched, and is reported without what may be a key to it', () => {
		const { tasks, reports } = collect(
			[
				{ url: 'https://other.example/Binary/a?signature=secret' },
				{ url: 'http://ehr.example/fhir/r4/Binary/b' },
				{ url: 'blob:https://ehr.example/x' },
			],
			() => {
				throw new Error('asked');
			},
		);
		expect(tasks).toEqual([]);
		expect(reports).toMatchObject([{ status: 'refused', reason: 'other_origin', count: 0 }]);
		expect(JSON.stringify(reports)).not.toContain('secret');
	});

	test('that is too large is not fetched when it says so, not kept when it does not', () => {
		const { tasks, reports, state } = collect(
			[{ url: 'Binary/a', size: MAX_DOCUMENT_BYTES + 1 }, { url: 'Binary/b' }, { url: 'Binary/c' }],
			(url) => (url.pathname.endsWith('b') ? octets(url, new Uint8Array(MAX_DOCUMENT_BYTES + 1)) : fail('too_large')),
		);
		expect(tasks).toHaveLength(2);
		expect(reports).toEqual([{ query: 'Binary?_id=a,b,c', status: 'failed', count: 0, reason: 'too_large' }]);
		expect(totals(state).bytes).toBeLessThan(2000);
	});

	test.each([
		['403', (url: URL) => respond(403, '', url.href), 'refused', 'http_403'],
		['500', (url: URL) => respond(500, '', url.href), 'failed', 'http_500'],
		['nothing', (url: URL) => octets(url, new Uint8Array()), 'failed', 'no_content'],
		['another origin', () => octets(new URL('https://evil.example/x'), bytes('x')), 'failed', 'redirected'],
		[
			'an outcome in place of a document',
			(url: URL) => octets(url, bytes(JSON.stringify(outcome('forbidden'))), 'application/fhir+json'),
			'refused',
			'outcome_forbidden',
		],
	])('answered with %s is reported by name', (_, answer, status, reason) => {
		const { reports, binaries } = collect([{ url: 'Binary/a', contentType: 'application/pdf' }], answer);
		expect(reports).toEqual([{ query: 'Binary?_id=a', status, count: 0, reason }]);
		expect(binaries).toEqual([]);
	});

	test('is not asked for where Binary is not granted, and that it is missing is said', () => {
		const { tasks, reports } = collect([{ url: 'Binary/a' }], (url) => octets(url, bytes('x')), {
			scope: 'patient/DocumentReference.rs patient/DiagnosticReport.rs',
		});
		expect(tasks).toEqual([]);
		expect(reports).toEqual([{ query: 'Binary?_id=a', status: 'refused', count: 0, reason: 'not_granted' }]);
	});

	test('with a content type that is none does not reach a header', () => {
		const { tasks } = collect([{ url: 'Binary/a', contentType: 'text/plain\r\nX-Evil: 1' }], (url) =>
			octets(url, bytes('x'), null),
		);
		expect(tasks[0]?.accept).toBe('*/*');
	});

	test('is missing by at most the length that a report takes, and by number where many are', () => {
		const many = Array.from({ length: 300 }, (_, n) => ({ url: `Binary/${String(n).padStart(40, '0')}` }));
		const { reports } = collect(many, (url) => respond(404, '', url.href));
		const named = reports.filter(({ query }) => query !== 'Binary');
		expect(named.length).toBeGreaterThan(1);
		for (const { query } of named) expect(query.length).toBeLessThanOrEqual(2000);
		expect(named.flatMap(({ query }) => query.slice('Binary?_id='.length).split(','))).toHaveLength(200);
		expect(reports).toContainEqual({ query: 'Binary', status: 'refused', count: 100, reason: 'http_404' });
	});
});

test.each([
	['https://ehr.example/fhir/Binary/a/_history/3', 'a'],
	['https://ehr.example/docs/7?key=secret', 'https://ehr.example/docs/7'],
	['https://ehr.example/\ud83d é', 'https://ehr.example/___'],
])('the name of %s is %s', (url, name) => {
	expect(documentName(url)).toBe(name);
});

test.each([
	'./https://elsewhere.test/Binary/a',
	`${base}/https://elsewhere.test/Binary/a`,
	`${base}/http:elsewhere.test`,
	'Binary/../https://elsewhere.test/x',
])('an address behind the base that is an address of its own, %s, never leads elsewhere', (url) => {
	const { tasks } = collect([{ url, contentType: 'application/pdf' }], (at) => octets(at, bytes('x')));
	for (const task of tasks) expect(new URL(task.url).origin).toBe(new URL(base).origin);
});
