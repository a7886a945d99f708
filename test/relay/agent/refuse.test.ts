import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { CAPS } from '../../../relay/agent/caps.js';
import { LIMITS } from '../../../relay/contract.js';
import { random, sealPart, sha256 } from '../../../relay/envelope.js';
import { HELD, problem, type Sealed, type Sent, stage } from './fake.js';

const line = (value: object) => `${JSON.stringify(value)}\n`;
const patient = line({ resourceType: 'Patient', id: 'p1' });
const observation = (id: string) => line({ resourceType: 'Observation', id, valueString: 'x'.repeat(50) });

describe('a delivery that is not what was sent is refused, nothing is left, and the keys are wiped', () => {
	const two = (): Sent[] => [{ segments: [patient, observation('o1'), observation('o2')] }];
	const name = ({ manifest }: Sealed, n: number) => `${manifest.sources[0]?.bid}/${n}`;
	const part = (sealed: Sealed, n: number) => sealed.parts.get(name(sealed, n)) as Uint8Array;

	const cases: [string, string, Sent[], (sealed: Sealed) => unknown][] = [
		[
			'an altered part',
			'part_invalid',
			two(),
			(sealed) => {
				const octets = part(sealed, 1);
				octets[20] = (octets[20] ?? 0) ^ 1;
			},
		],
		['a dropped part', 'part_missing', two(), (sealed) => sealed.parts.delete(name(sealed, 1))],
		[
			'two parts swapped at the relay',
			'part_invalid',
			two(),
			(sealed) => {
				const [one, other] = [part(sealed, 1), part(sealed, 0)];
				sealed.parts.set(name(sealed, 0), one).set(name(sealed, 1), other);
			},
		],
		[
			'two parts swapped together with their digests',
			'part_invalid',
			two(),
			(sealed) => {
				const [one, other] = [part(sealed, 1), part(sealed, 0)];
				sealed.parts.set(name(sealed, 0), one).set(name(sealed, 1), other);
				sealed.manifest.sources[0]?.parts.splice(
					0,
					2,
					...[1, 0].map((n) => sealed.manifest.sources[0]?.parts[n] ?? ''),
				);
			},
		],
		[
			'a part repeated in the place of the next, digest and all',
			'part_invalid',
			two(),
			(sealed) => {
				sealed.parts.set(name(sealed, 1), part(sealed, 0));
				sealed.manifest.sources[0]?.parts.splice(1, 1, sealed.manifest.sources[0]?.parts[0] ?? '');
			},
		],
		['a truncated part', 'part_invalid', two(), (s) => s.parts.set(name(s, 2), part(s, 2).slice(0, -1))],
		['a wrong digest', 'part_invalid', two(), ({ manifest }) => manifest.sources[0]?.parts.splice(2, 1, random(32))],
		[
			'a stream cut off after a part, by a manifest that agrees',
			'part_invalid',
			two(),
			({ manifest }) => {
				manifest.sources[0]?.parts.pop();
			},
		],
		[
			'an extra part after the last',
			'part_invalid',
			two(),
			async (sealed) => {
				const [source] = sealed.manifest.sources;
				if (!source) throw new Error('no source');
				const position = { sid: sealed.manifest.sid, bid: source.bid, n: 3, last: true };
				const extra = await sealPart(gzipSync(observation('o3')), source.key, position);
				sealed.parts.set(name(sealed, 3), extra);
				source.parts.push(await sha256(extra));
			},
		],
		[
			'more octets than counted',
			'count_mismatch',
			two(),
			({ manifest: m }) => Object.assign(m.sources[0] ?? {}, { bytes: 60 }),
		],
		[
			'fewer octets',
			'count_mismatch',
			two(),
			({ manifest: m }) => Object.assign(m.sources[0] ?? {}, { bytes: 99_999 }),
		],
		['fewer lines', 'count_mismatch', two(), ({ manifest: m }) => Object.assign(m.sources[0] ?? {}, { resources: 4 })],
		['a blob used for two sources', 'manifest_invalid', two(), ({ manifest: m }) => m.sources.push(...m.sources)],
		[
			'a gzip bomb',
			'count_mismatch',
			[{ segments: [patient], pack: () => gzipSync(Buffer.alloc(50_000_000)) }],
			() => {},
		],
		['a part that is not gzip', 'stream_invalid', [{ segments: [patient], pack: (x) => x }], () => {}],
		[
			'a gzip member cut short',
			'stream_invalid',
			[{ segments: [patient], pack: (x) => gzipSync(x).subarray(0, -9) }],
			() => {},
		],
		['a part cut inside a line', 'stream_invalid', [{ segments: [patient.slice(0, 9), patient.slice(9)] }], () => {}],
		[
			'a part that ends without a line end, before another',
			'stream_invalid',
			[{ segments: [patient.trimEnd(), patient] }],
			({ manifest: m }) => Object.assign(m.sources[0] ?? {}, { resources: 2 }),
		],
		['a line that is not JSON', 'stream_invalid', [{ segments: [patient, 'Patient\n'] }], () => {}],
		['a line that is not an object', 'stream_invalid', [{ segments: [`${patient}[]\n`] }], () => {}],
		[
			'an empty line',
			'stream_invalid',
			[{ segments: [`${patient}\n${patient}`] }],
			(s) => Object.assign(s.manifest.sources[0] ?? {}, { resources: 3 }),
		],
		[
			'a line that is not UTF-8',
			'stream_invalid',
			[{ segments: [patient, Buffer.from('{"a":"\xff"}\n', 'latin1')] }],
			() => {},
		],
	];

	test.each(cases)('%s: %s', async (_, code, sources, spoil) => {
		const { stage: s, session, run } = await stage();
		await s.send(session, sources, spoil);
		await expect(run()).rejects.toMatchObject({ code });
		expect(s.left()).toEqual([]);
		expect(s.relay.sessions.get(session.sid)?.state).toBe('gone');
	});

	test('the manifest of another session', async () => {
		const { stage: s, session, run } = await stage();
		const other = await s.open();
		await s.send(other, two());
		const [stored, foreign] = [s.relay.sessions.get(session.sid), s.relay.sessions.get(other.sid)];
		Object.assign(stored ?? {}, { manifest: foreign?.manifest, parts: foreign?.parts, state: 'sent' });
		await expect(run()).rejects.toMatchObject({ code: 'manifest_invalid' });
		expect(s.left()).toEqual([]);
	});

	test('a part larger than the protocol allows, whatever its Content-Length says', async () => {
		const { stage: s, session, run } = await stage();
		await s.send(session, two());
		let sent = 0;
		s.relay.intercept = ({ url }) => {
			if (!url.includes('/blobs/')) return undefined;
			const pull = (controller: ReadableStreamDefaultController<Uint8Array>) => {
				sent += 1024 * 1024;
				controller.enqueue(new Uint8Array(1024 * 1024));
			};
			return new Response(new ReadableStream({ pull }), { headers: { 'content-length': '100' } });
		};
		await expect(run()).rejects.toMatchObject({ code: 'part_invalid' });
		expect(sent).toBeLessThan(4 * LIMITS.partBytes);
		expect(s.left()).toEqual([]);
	});

	test('a manifest larger than the protocol allows', async () => {
		const { stage: s, session, run } = await stage();
		const headers = { 'content-type': 'application/jose' };
		s.relay.intercept = ({ url }) =>
			url.includes('/manifest') ? new Response('a'.repeat(LIMITS.manifestBytes + 1), { headers }) : undefined;
		await expect(run()).rejects.toMatchObject({ code: 'manifest_invalid' });
		expect(s.left()).toEqual([]);
		expect(s.relay.sessions.get(session.sid)?.state).toBe('gone');
	});
});

describe('the caps', () => {
	test.each([
		['one part', { ...CAPS, partBytes: 100 }],
		['all of it', { ...CAPS, totalBytes: 200 }],
	])('on %s leave nothing behind, but the session for another try with larger ones', async (_, caps) => {
		const { stage: s, session, run } = await stage();
		await s.send(session, [{ segments: [patient, observation('o').repeat(3)] }]);
		await expect(run({ caps })).rejects.toMatchObject({ code: 'delivery_too_large' });
		expect(s.left()).toEqual(HELD);
		await run();
		expect(s.left()).toEqual(['01-example-clinic', 'index.json', 'summary.md']);
	});
});

describe('an end without a delivery', () => {
	test.each([
		['deleted', 410, 'session_gone'],
		['unknown', 404, 'session_not_found'],
	])('a session that is %s is over: its file goes', async (_, status, code) => {
		const { stage: s, run } = await stage();
		s.relay.intercept = () => problem(status, code);
		await expect(run()).rejects.toMatchObject({ code });
		expect(s.left()).toEqual([]);
	});

	test('a 404 page of something in between does not cost the keys', async () => {
		const { stage: s, run } = await stage();
		s.relay.intercept = () => new Response('<html>', { status: 404 });
		await expect(run()).rejects.toMatchObject({ code: 'relay_invalid' });
		expect(s.left()).toEqual(HELD);
	});

	test('nothing sent before the hour is over, with the network down to the end', async () => {
		const { stage: s, session, run } = await stage();
		s.relay.intercept = () => Promise.reject(new TypeError('fetch failed'));
		await expect(run()).rejects.toMatchObject({ code: 'session_expired' });
		expect(s.clock).toBeGreaterThan(Date.parse(session.expiresAt));
		expect(s.left()).toEqual([]);
	});

	test('an interruption between two parts leaves the session and nothing else', async () => {
		const { stage: s, session, run } = await stage();
		await s.send(session, [{ segments: [patient, observation('o')] }]);
		s.relay.intercept = ({ url }) => {
			if (url.endsWith('/1')) {
				expect(s.left().some((name) => /^\.receiving-/.test(name))).toBe(true);
				s.stop.abort();
			}
			return undefined;
		};
		await expect(run()).rejects.toMatchObject({ code: 'interrupted' });
		expect(s.left()).toEqual(HELD);
	});
});
