import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { follow } from '../../../relay/agent/delivery/receive.js';
import { readSessionFile, sessionFile, writeSessionFile } from '../../../relay/agent/keyfile.js';
import { all, HELD, problem, RELAY, type Sent, Stage, stage } from './fake.js';

const line = (value: object) => `${JSON.stringify(value)}\n`;
const patient = line({ resourceType: 'Patient', id: 'p1' });
const observation = (id: string) => line({ resourceType: 'Observation', id, valueString: 'x'.repeat(50) });

describe('a delivery', () => {
	test('of several sources and parts is written byte for byte, and only then are session and keys gone', async () => {
		const { stage: s, session, run } = await stage();
		const emoji = `{"resourceType":"Observation","id":"e", "valueString":"a\u2028😀"}\n`;
		const escaped = '{"resourceType":"Observation","id":"s","valueString":"\\ud83d\\ude00 \\ud83d","n":1.10}\r\n';
		const issue = line({ resourceType: 'OperationOutcome', issue: [] });
		const failed = { query: 'Goal?patient=p1', status: 'failed', count: 0, reason: 'http_500', ms: 40 } as const;
		const kept = {
			query: 'Condition?patient=p1',
			status: 'failed',
			count: 2,
			reason: 'timeout',
			keptFrom: '2026-11-19T08:00:00.000Z',
		} as const;
		const read = { query: 'Observation?patient=p1', status: 'ok', count: 4, pages: 2, ms: 812 } as const;
		await s.send(session, [
			{
				name: 'Lakeside Health',
				segments: [patient + emoji, escaped + observation('o1'), issue + emoji],
				queries: [failed, kept, read],
				fhirVersion: '4.0.1',
			},
			{ name: 'Hôpital Sainte-Thérèse / Nord', segments: [patient, observation('o2')] },
		]);
		s.relay.intercept = (request) => {
			if (request.method === 'DELETE') expect(s.left()).toContain('index.json');
			return undefined;
		};
		const { events, result } = await run();
		expect(result.closed).toBe(true);
		expect(events.slice(-2)).toEqual([
			{ event: 'receiving', bytes: expect.any(Number), parts: 5, totalParts: 5 },
			{ event: 'written', index: result.index },
		]);
		expect(s.left()).toEqual(['01-lakeside-health', '02-hopital-sainte-therese-nord', 'index.json', 'summary.md']);
		expect(s.read('01-lakeside-health/Observation.ndjson')).toBe(emoji + escaped + observation('o1') + emoji);
		expect(s.read('01-lakeside-health/Patient.ndjson')).toBe(patient);
		expect(s.read('01-lakeside-health/OperationOutcome.ndjson')).toBe(issue);
		expect(s.read('02-hopital-sainte-therese-nord/Observation.ndjson')).toBe(observation('o2'));
		expect(s.json('index.json')).toEqual(result.index);
		expect(result.index).toMatchObject({
			v: 2,
			redaction: null,
			sources: [
				{
					name: 'Lakeside Health',
					folder: '01-lakeside-health',
					resources: 5,
					types: { Observation: 4, OperationOutcome: 1, Patient: 1 },
					fetchedAt: '2026-11-22T11:59:00.000Z',
					fhirVersion: '4.0.1',
					queries: [failed, kept, read],
					summary: { ok: 1, empty: 0, refused: 0, failed: 2 },
					failed: [failed, kept],
				},
				{ name: 'Hôpital Sainte-Thérèse / Nord', resources: 2 },
			],
		});
		expect(s.relay.sessions.get(session.sid)?.state).toBe('gone');
		expect([s.mode('01-lakeside-health'), s.mode('index.json'), s.mode('01-lakeside-health/Patient.ndjson')]).toEqual([
			0o700, 0o600, 0o600,
		]);
	});

	test('has no gap where the provider does not know a value that it need not know, and says once what that means', async () => {
		const { stage: s, session, run } = await stage();
		const plan = (query: string, status: 'ok' | 'empty' | 'refused', count = 0) => ({ query, status, count });
		const optional = true as const;
		const queries = [
			plan('Observation?patient=p1&category=laboratory', 'ok', 1),
			plan('Observation?patient=p1&category=survey&_lastUpdated=gt2026', 'empty'),
			{ ...plan('Observation?patient=p1&status=final,amended', 'refused'), reason: 'http_400', optional },
			plan('Goal?patient=p1&lifecycle-status=active', 'ok', 1),
			{ ...plan('Goal?patient=p1&lifecycle-status=entered-in-error', 'refused'), optional },
			plan('CarePlan?patient=p1', 'ok', 1),
			{ ...plan('CarePlan?patient=p1&category=careteam', 'refused'), optional },
			plan('Coverage?patient=p1', 'refused'),
		];
		await s.send(session, [{ segments: [patient], queries }]);
		const { result } = await run();
		expect(result.index.sources[0]).toMatchObject({ queries, failed: [plan('Coverage?patient=p1', 'refused')] });
		expect(result.index.sources[0]?.summary).toEqual({ ok: 3, empty: 1, refused: 1, failed: 0 });
		expect(result.index.sources[0]?.notes).toEqual({
			Observation: 'only resources of a category that was asked for, see queries',
		});
	});

	test('decodes documents under names of its own, and says which could not be decoded', async () => {
		const { stage: s, session, run } = await stage();
		const binary = (id: string, contentType: unknown, data: unknown) =>
			line({ resourceType: 'Binary', id, contentType, data });
		const base64 = (text: string) => Buffer.from(text).toString('base64');
		const lines = [
			binary('../../evil', 'application/pdf', base64('%PDF-1.4')),
			binary('b2', 'TEXT/HTML; charset=utf-8', `${base64('<p>ü</p>')}\n`),
			binary('b3', 'application/../../x', base64('x')),
			binary('b4', 'application/cda+xml', '!!'),
			binary('b5', 'text/plain', undefined),
			line({ resourceType: 'Binary', id: 'dstu2', contentType: 'text/plain', content: base64('older') }),
		];
		await s.send(session, [{ segments: [lines.slice(0, 2).join(''), lines.slice(2).join('')] }]);
		const { result } = await run();
		expect(readdirSync(`${s.out}/01-example-clinic/documents`)).toEqual([
			'Document.bin',
			'Document.html',
			'Document.pdf',
			'Document.txt',
		]);
		expect(s.read('01-example-clinic/documents/Document.html')).toBe('<p>ü</p>');
		expect(s.read('01-example-clinic/Binary.ndjson')).toBe(lines.join(''));
		expect(result.index.sources[0]?.documents).toMatchObject([
			{ id: '../../evil', file: 'documents/Document.pdf', contentType: 'application/pdf', bytes: 8 },
			{ id: 'b2', file: 'documents/Document.html' },
			{ id: 'b3', file: 'documents/Document.bin' },
			{ id: 'b4', problem: 'not_base64', bytes: 0 },
			{ id: 'b5', problem: 'no_data' },
			{ id: 'dstu2', file: 'documents/Document.txt', bytes: 5 },
		]);
	});

	test('says what a document is when a resource of the same source names it, before or after', async () => {
		const { stage: s, session, run } = await stage();
		const binary = (id: string) => line({ resourceType: 'Binary', id, contentType: 'text/plain', data: 'eA==' });
		const reference = (url: string, more: object = {}) =>
			line({
				resourceType: 'DocumentReference',
				type: { coding: [{ code: '34108-1' }, { display: 'Outpatient Note' }] },
				date: '2026-01-02',
				content: [{ attachment: { url, title: `  Visit\n${'n'.repeat(5000)}` } }],
				...more,
			});
		const report = (url: string, title: string) =>
			line({
				resourceType: 'DiagnosticReport',
				code: { text: 'Chest X-ray' },
				effectivePeriod: { start: '2026-03-04' },
				presentedForm: [null, { url, title }],
			});
		const base = 'https://ehr.example/fhir/r4';
		await s.send(session, [
			{
				segments: [
					report('Binary/before', 'of the report') + reference('Binary/before') + binary('before'),
					binary('after') + binary('told') + binary('unnamed') + binary('far'),
					reference(`${base}/Binary/after/_history/2`, {
						type: 7,
						date: {},
						context: null,
						content: [{ attachment: { url: `${base}/Binary/after/_history/2`, creation: '2025' } }],
						description: 'Summary',
					}),
					report('Binary/told', '') + reference('https://other.example/fhir/r4/Binary/far'),
				],
			},
			{ segments: [reference('Binary/unnamed')] },
		]);
		const { result } = await run();
		const told = result.index.sources[0]?.documents.map(({ id, title, date, type }) => ({ id, title, date, type }));
		expect(told).toEqual([
			{ id: 'before', title: `Visit ${'n'.repeat(193)}…`, date: '2026-01-02', type: 'Outpatient Note' },
			{ id: 'after', title: 'Summary', date: '2025' },
			{ id: 'told', date: '2026-03-04', type: 'Chest X-ray' },
			{ id: 'unnamed' },
			{ id: 'far' },
		]);
		expect(result.index.sources[0]?.documents.map(({ file }) => file)).toEqual([
			`documents/2026-01-02 Visit ${'n'.repeat(154)}.txt`,
			'documents/2025 Summary.txt',
			'documents/2026-03-04 Chest X-ray.txt',
			'documents/Document.txt',
			'documents/Document (2).txt',
		]);
		expect(readdirSync(`${s.out}/01-example-clinic/documents`)).toHaveLength(5);
		expect(s.json('index.json')).toEqual(result.index);
	});

	test('cannot name a file: hostile names and types end in harmless ones inside the folder', async () => {
		const { stage: s, session, run } = await stage();
		const types = ['../../x', 'CON', 'nul', '__proto__', 'Patient/..', '', 7, 'PATIENT', undefined];
		const lines = types.map((resourceType) => line({ resourceType, id: 'x' }));
		await s.send(session, [
			{ name: '../../x', segments: [patient + lines.join('')] },
			{ name: 'CON', segments: [patient] },
			{ name: '病院', segments: [patient] },
			{ name: '', segments: [patient] },
		]);
		await run();
		expect(s.left()).toEqual(['01-x', '02-con', '03-source', '04-source', 'index.json', 'summary.md']);
		expect(readdirSync(`${s.out}/01-x`)).toEqual(['Patient.ndjson', 'Unknown.ndjson']);
		expect(s.read('01-x/Unknown.ndjson')).toBe(lines.join(''));
		expect(s.read('01-x/Patient.ndjson')).toBe(patient);
	});

	test('may be empty, and may lack the very last line end', async () => {
		const { stage: s, session, run } = await stage();
		await s.send(session, [{ segments: [''] }, { segments: [patient, observation('o').trimEnd()] }]);
		const { result } = await run();
		expect(result.index.sources.map(({ types }) => types)).toEqual([{}, { Patient: 1, Observation: 1 }]);
	});

	test('goes on after network errors, 503 and 429 in the middle, and after a part spoilt on the way', async () => {
		const { stage: s, session, run } = await stage();
		await s.send(session, [{ segments: [patient, observation('o1')] }]);
		const troubles = [
			() => Promise.reject(new TypeError('fetch failed')),
			() => problem(503, 'unavailable'),
			() => problem(429, 'too_many_requests', { 'retry-after': '120' }),
			() => undefined,
			() => new Response('spoilt'),
			() => Promise.reject(new TypeError('terminated')),
		];
		s.relay.intercept = () => troubles.shift()?.();
		const { result } = await run();
		expect(result.index.sources[0]?.resources).toBe(2);
		expect(Math.max(...s.slept)).toBe(120_000);
	});

	test('is complete although the relay cannot be told to delete it', async () => {
		const { stage: s, session, run } = await stage();
		await s.send(session, [{ segments: [patient] }]);
		s.relay.intercept = ({ method }) => (method === 'DELETE' ? problem(503, 'unavailable') : undefined);
		expect((await run()).result.closed).toBe(false);
		expect(s.left()).toEqual(['01-example-clinic', 'index.json', 'summary.md']);
	});

	test('can be taken in by a second process', async () => {
		const { stage: s, session, file, run } = await stage();
		s.relay.intercept = ({ url }) => (url.includes('/blobs/') ? problem(503, 'unavailable') : undefined);
		await s.send(session, [{ segments: [patient] }]);
		await expect(run()).rejects.toMatchObject({ code: 'relay_unavailable' });
		expect(s.left()).toEqual(HELD);
		s.relay.intercept = () => undefined;
		const again = await readSessionFile(file);
		expect(again).toEqual(session);
		await all(follow(again, { out: s.out, sessionFile: file, world: s.world }));
		expect(s.left()).toEqual(['01-example-clinic', 'index.json', 'summary.md']);
	});
});

const vectors = ['../../../shared/vectors/session-v1.json', '../vectors/session-v1.json']
	.map((path) => new URL(path, import.meta.url))
	.filter((url) => existsSync(url));
if (vectors.length < 2) console.warn('../shared/vectors is not here: only the committed vector is received');

test.each(vectors.map((url) => [url.pathname.split('/').slice(-3).join('/'), url] as const))(
	'the vector %s is received as a delivery',
	async (_, url) => {
		const vector = JSON.parse(readFileSync(url, 'utf8'));
		const { sid, S: secret, read, sk, pk, derived, hashes, blob, manifest } = vector;
		const s = new Stage();
		s.relay.sessions.set(sid, {
			readHash: hashes.read,
			writeHash: hashes.write,
			request: vector.request.jwe,
			state: 'sent',
			parts: new Map(
				blob.parts.map(({ n, part }: { n: number; part: string }) => [
					`${blob.bid}/${n}`,
					Buffer.from(part, 'base64url'),
				]),
			),
			manifest: manifest.jwe,
		});
		const expiresAt = '2026-11-22T13:00:00.000Z';
		const session = { v: 1 as const, relay: RELAY, sid, secret, read, sk, pk, code: derived.code, expiresAt };
		const file = sessionFile(s.out);
		await writeSessionFile(file, session);
		await all(follow(session, { out: s.out, sessionFile: file, world: s.world }));
		const [source] = s.json('index.json').sources;
		expect(s.left()).toEqual([source.folder, 'index.json', 'summary.md']);
		const text = blob.parts.map(({ plaintext }: { plaintext: string }) => plaintext).join('');
		expect(s.read(`${source.folder}/Patient.ndjson`) + s.read(`${source.folder}/Observation.ndjson`)).toBe(text);
		expect(source.failed).toEqual([
			{ query: 'AllergyIntolerance?patient=p1', status: 'failed', count: 0, reason: 'http_500' },
		]);
	},
);

const patients = new URL('../../../../shared/data/patients/', import.meta.url);
if (!existsSync(patients)) console.warn('../shared/data is not here: no Synthea patient is received');
test.skipIf(!existsSync(patients))('real-sized patients arrive line for line', async () => {
	const { stage: s, session, run } = await stage();
	const sources: Sent[] = [];
	const expected: Map<string, string>[] = [];
	for (const name of readdirSync(patients).sort().slice(0, 4)) {
		const { entry } = JSON.parse(readFileSync(new URL(encodeURIComponent(name), patients), 'utf8'));
		const byType = new Map<string, string>();
		const segments: string[] = [''];
		for (const { resource } of entry) {
			const text = line(resource);
			byType.set(resource.resourceType, (byType.get(resource.resourceType) ?? '') + text);
			segments[segments.length - 1] += text;
			if ((segments.at(-1)?.length ?? 0) > 300_000) segments.push('');
		}
		if (segments.at(-1) === '') segments.pop();
		sources.push({ name, segments });
		expected.push(byType);
	}
	await s.send(session, sources);
	const { result } = await run();
	for (const [position, { folder }] of result.index.sources.entries())
		for (const [type, text] of expected[position] ?? []) expect(s.read(`${folder}/${type}.ndjson`) === text).toBe(true);
});

test('waiting tells of the claim and of octets as they arrive, once each', async () => {
	const { stage: s, session, run } = await stage();
	const stored = s.relay.sessions.get(session.sid);
	if (!stored) throw new Error('no session');
	s.steps = [
		() => {},
		() => {
			stored.state = 'claimed';
		},
		() => {},
		() => {},
		() => stored.parts.set('x/0', new Uint8Array(10)),
		() => {},
		() => s.send(session, [{ segments: [patient] }]),
	];
	const { events, result } = await run();
	expect(events).toEqual([
		{ event: 'claimed' },
		{ event: 'receiving', bytes: 10, parts: 1 },
		{ event: 'receiving', bytes: expect.any(Number), parts: 1, totalParts: 1 },
		{ event: 'written', index: result.index },
	]);
	expect(s.relay.log.join()).not.toContain(session.read);
	// Half a second while nothing moves, next to nothing after something did, and after the first look.
	expect(s.slept).toEqual([20, 500, 20, 500, 500, 20, 500]);
});
