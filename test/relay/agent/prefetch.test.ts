/** Sealed parts fetched while the manifest is still waited for: a gain in time, never a reason to fail or to believe. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { LIMITS } from '../../../relay/contract.js';
import { random } from '../../../relay/envelope.js';
import { HELD, problem, type Sent, seal, stage, until } from './fake.js';

const line = (value: object) => `${JSON.stringify(value)}\n`;
const patient = line({ resourceType: 'Patient', id: 'p1' });
const observation = (id: string) => line({ resourceType: 'Observation', id, valueString: 'x'.repeat(50) });
const sources = (): Sent[] => [{ segments: [patient, observation('o1'), observation('o2')] }];

/** A session whose wallet has sealed, and uploads as `steps` say. */
async function waiting() {
	const at = await stage();
	const { stage: s, session } = at;
	const sealed = await seal(session, sources());
	/** Requests for parts: `<bid>/<n>`. */
	const asked = () => s.relay.log.flatMap((entry) => /^GET .*\/blobs\/([\w-]+\/\d+)$/.exec(entry)?.[1] ?? []);
	const names = [...sealed.parts.keys()];
	/** Files of sealed parts that are written. */
	const staged = () =>
		readdirSync(s.out, { recursive: true, encoding: 'utf8' }).filter(
			(name) => name.endsWith('.sealed') && statSync(join(s.out, name)).size > 0,
		);
	const upload = () => s.upload(session, sealed);
	const finish = () => s.finish(session, sealed);
	const lists = () => s.relay.log.filter((entry) => entry.endsWith('/blobs')).length;
	return { ...at, sealed, asked, names, staged, upload, finish, lists };
}

const DELIVERED = ['01-example-clinic', 'index.json', 'summary.md'];

describe('parts that arrive before the manifest', () => {
	test('are fetched once, lie there sealed and private, and are gone with the delivery', async () => {
		const w = await waiting();
		w.stage.steps = [
			w.upload,
			async () => {
				await until(() => w.staged().length === 3);
				const folder = w.stage.left().find((name) => name.startsWith('.receiving-')) ?? '';
				expect(w.stage.mode(folder)).toBe(0o700);
				for (const name of w.staged()) {
					expect(w.stage.mode(name)).toBe(0o600);
					expect(readFileSync(join(w.stage.out, name)).includes('Patient')).toBe(false);
				}
				const kept = w.staged().map((name) => readFileSync(join(w.stage.out, name)).toString('hex'));
				expect(kept.sort()).toEqual(
					[...w.sealed.parts.values()].map((part) => Buffer.from(part).toString('hex')).sort(),
				);
				await w.finish();
			},
		];
		const { result } = await w.run();
		expect(w.asked().sort()).toEqual(w.names.sort());
		expect(result.index.sources[0]?.resources).toBe(3);
		expect(w.stage.read('01-example-clinic/Observation.ndjson')).toBe(observation('o1') + observation('o2'));
		expect(w.stage.left()).toEqual(DELIVERED);
	});

	test('that are still on their way when the manifest comes are not asked for again', async () => {
		const w = await waiting();
		let release: (() => void) | undefined;
		const held = new Promise<void>((resolve) => {
			release = resolve;
		});
		w.stage.relay.intercept = async ({ url }) => {
			if (url.endsWith('/manifest?wait=3') && w.stage.relay.sessions.get(w.session.sid)?.manifest) release?.();
			if (/\/blobs\/[\w-]+\/1$/.test(url)) await held;
			return undefined;
		};
		w.stage.steps = [
			w.upload,
			async () => {
				await until(() => w.asked().length === 3 && w.staged().length === 2);
				await w.finish();
			},
		];
		await w.run();
		expect(w.asked().sort()).toEqual(w.names.sort());
		expect(w.stage.left()).toEqual(DELIVERED);
	});

	test('and are not what the manifest names are fetched again', async () => {
		const w = await waiting();
		let poison = true;
		w.stage.relay.intercept = ({ url }) => {
			const name = /\/blobs\/([\w-]+\/1)$/.exec(url)?.[1];
			if (!name || !poison) return undefined;
			poison = false;
			return new Response(new Uint8Array(w.sealed.parts.get(name)?.length ?? 0));
		};
		w.stage.steps = [
			w.upload,
			async () => {
				await until(() => w.staged().length === 3);
				await w.finish();
			},
		];
		const { result } = await w.run();
		expect(poison).toBe(false);
		expect(w.asked()).toHaveLength(4);
		expect(result.index.sources[0]?.resources).toBe(3);
		expect(w.stage.left()).toEqual(DELIVERED);
	});

	test('and stay poisoned afterwards are refused like any altered part', async () => {
		const w = await waiting();
		w.stage.relay.intercept = ({ url }) => (/\/blobs\/[\w-]+\/1$/.test(url) ? new Response('poison') : undefined);
		w.stage.steps = [w.upload, w.finish];
		await expect(w.run()).rejects.toMatchObject({ code: 'part_invalid' });
		expect(w.stage.left()).toEqual([]);
	});

	test.each([
		['404', () => problem(404, 'part_not_found')],
		['410', () => problem(410, 'session_gone')],
		['429', () => problem(429, 'too_many_requests', { 'retry-after': '2' })],
		['503', () => problem(503, 'unavailable')],
		['a lost network', () => Promise.reject(new TypeError('fetch failed'))],
		['a web page', () => new Response('<html>', { status: 200, headers: { 'content-type': 'text/html' } })],
	])('and answer %s so early are simply fetched afterwards', async (_, trouble) => {
		const w = await waiting();
		w.stage.relay.intercept = ({ url }) =>
			url.includes('/blobs') && !w.stage.relay.sessions.get(w.session.sid)?.manifest ? trouble() : undefined;
		w.stage.steps = [
			w.upload,
			async () => {
				await until(() => w.lists() > 0);
				await w.finish();
			},
		];
		const { result } = await w.run();
		expect(result.index.sources[0]?.resources).toBe(3);
		expect(w.stage.left()).toEqual(DELIVERED);
	});

	test('and are refused with 429 are left alone for as long as the relay wants, then fetched early after all', async () => {
		const w = await waiting();
		let refused = 0;
		w.stage.relay.intercept = ({ url }) => {
			if (!/\/blobs\/[\w-]+\/\d$/.test(url) || refused > 0) return undefined;
			refused++;
			return problem(429, 'too_many_requests', { 'retry-after': '1' });
		};
		const [first = ''] = w.names;
		w.stage.steps = [
			() => w.stage.upload(w.session, w.sealed, (n) => n === 0),
			async () => {
				await until(() => refused === 1);
				w.stage.upload(w.session, w.sealed, (n) => n === 1);
			},
			() => {},
			// Within the second: after those for the claim and for the first part no list was asked for.
			() => expect(w.lists()).toBe(2),
			() => {},
			() => w.upload(),
			async () => {
				await until(() => w.staged().length === 3);
				await w.finish();
			},
		];
		await w.run();
		expect(w.asked().filter((name) => name === first)).toHaveLength(2);
		expect(w.stage.left()).toEqual(DELIVERED);
	});
});

describe('a relay that lies in its list', () => {
	const listing = (blobs: object) => Response.json({ blobs });

	async function lied(list: () => Response, odd: (url: string) => Response | undefined = () => undefined) {
		const w = await waiting();
		w.stage.relay.intercept = ({ url }) => (url.endsWith('/blobs') ? list() : odd(url));
		w.stage.steps = [
			w.upload,
			async () => {
				await until(() => w.lists() > 0);
				await w.finish();
			},
		];
		const { result } = await w.run();
		expect(result.index.sources[0]?.resources).toBe(3);
		expect(w.stage.left()).toEqual(DELIVERED);
		return w;
	}

	test('and names a part twice is asked for it once', async () => {
		const w = await waiting();
		const listed = w.names.map((name) => name.split('/')).map(([bid = '', n]) => ({ bid, n: Number(n) }));
		const part = ({ bid, n }: (typeof listed)[number]) => ({ n, bytes: w.sealed.parts.get(`${bid}/${n}`)?.length });
		w.stage.relay.intercept = ({ url }) =>
			url.endsWith('/blobs') ? listing({ [listed[0]?.bid ?? '']: [...listed, ...listed].map(part) }) : undefined;
		w.stage.steps = [
			w.upload,
			async () => {
				await until(() => w.staged().length === 3);
				await w.finish();
			},
		];
		await w.run();
		expect(w.asked().sort()).toEqual(w.names.sort());
		expect(w.stage.left()).toEqual(DELIVERED);
	});

	test('about parts that do not exist costs a request for each, once', async () => {
		const bid = random(16);
		const w = await lied(() => listing({ [bid]: [0, 1, 2].map((n) => ({ n, bytes: 10 })) }));
		const foreign = w.asked().filter((name) => name.startsWith(bid));
		expect(foreign).toEqual([...new Set(foreign)]);
	});

	test.each([
		['names that would leave the folder', { '../../etc': [{ n: 0, bytes: 10 }] }],
		['numbers that are none', { [random(16)]: [{ n: -1, bytes: 10 }] }],
		['sizes above what a part may have', { [random(16)]: [{ n: 0, bytes: LIMITS.partBytes + 1 }] }],
		['sizes that are none', { [random(16)]: [{ n: 0, bytes: 'many' }] }],
	])('about %s is not asked for them', async (_, blobs) => {
		const w = await lied(() => listing(blobs));
		expect(w.asked().sort()).toEqual(w.names.sort());
	});

	test('by more text than a list can have is not read to its end', async () => {
		let read = 0;
		await lied(() => {
			const pull = (controller: ReadableStreamDefaultController<Uint8Array>) => {
				read += 65_536;
				controller.enqueue(new Uint8Array(65_536).fill(0x20));
			};
			return new Response(new ReadableStream({ pull }));
		});
		expect(read).toBeLessThan(2 * LIMITS.manifestBytes);
	});

	test('about the size of a part is read no further than it said', async () => {
		const bid = random(16);
		let read = 0;
		const endless = () => {
			const pull = (controller: ReadableStreamDefaultController<Uint8Array>) => {
				read += 1000;
				controller.enqueue(new Uint8Array(1000));
			};
			return new Response(new ReadableStream({ pull }));
		};
		await lied(
			() => listing({ [bid]: [{ n: 0, bytes: 5000 }] }),
			(url) => (url.includes(bid) ? endless() : undefined),
		);
		expect(read).toBeGreaterThan(0);
		expect(read).toBeLessThan(10_000);
	});

	test('about more octets than a session may have gets no more than that asked for', async () => {
		const bid = random(16);
		const w = await lied(
			() => listing({ [bid]: Array.from({ length: 40 }, (_, n) => ({ n, bytes: LIMITS.partBytes })) }),
			(url) => (url.includes(bid) ? problem(404, 'part_not_found') : undefined),
		);
		const foreign = w.asked().filter((name) => name.startsWith(bid));
		expect(foreign.length).toBeLessThanOrEqual(LIMITS.maxBytes / LIMITS.partBytes);
	});
});

describe('an interruption leaves the session and nothing else', () => {
	const gone = (s: Awaited<ReturnType<typeof waiting>>) => {
		expect(s.stage.left()).toEqual(HELD);
		expect(s.stage.relay.sessions.get(s.session.sid)?.state).not.toBe('gone');
	};

	test('while sealed parts are being fetched early', async () => {
		const w = await waiting();
		w.stage.relay.intercept = ({ url }) => (/\/blobs\/[\w-]+\/1$/.test(url) ? new Promise(() => {}) : undefined);
		w.stage.steps = [
			w.upload,
			async () => {
				await until(() => w.staged().length === 2);
				w.stage.stop.abort();
			},
		];
		await expect(w.run()).rejects.toMatchObject({ code: 'interrupted' });
		gone(w);
	});

	test('while the list is being asked for', async () => {
		const w = await waiting();
		w.stage.relay.intercept = ({ url }) => {
			if (!url.endsWith('/blobs')) return undefined;
			w.stage.stop.abort();
			return new Promise(() => {});
		};
		w.stage.steps = [w.upload, () => {}];
		await expect(w.run()).rejects.toMatchObject({ code: 'interrupted' });
		gone(w);
	});

	test('while waiting with all parts fetched', async () => {
		const w = await waiting();
		w.stage.steps = [w.upload, () => until(() => w.staged().length === 3), () => w.stage.stop.abort()];
		await expect(w.run()).rejects.toMatchObject({ code: 'interrupted' });
		gone(w);
	});

	test('while the rest is fetched after the manifest', async () => {
		const w = await waiting();
		w.stage.relay.intercept = ({ url }) => {
			if (!/\/blobs\/[\w-]+\/2$/.test(url)) return undefined;
			w.stage.stop.abort();
			return new Promise(() => {});
		};
		w.stage.steps = [
			() => w.stage.upload(w.session, w.sealed, (n) => n < 2),
			async () => {
				await until(() => w.staged().length === 2);
				w.upload();
				await w.finish();
			},
		];
		await expect(w.run()).rejects.toMatchObject({ code: 'interrupted' });
		gone(w);
	});
});

test('a session that ends while parts lie there leaves nothing of them', async () => {
	const w = await waiting();
	w.stage.steps = [
		w.upload,
		async () => {
			await until(() => w.staged().length === 3);
			Object.assign(w.stage.relay.sessions.get(w.session.sid) ?? {}, { state: 'gone' });
		},
	];
	await expect(w.run()).rejects.toMatchObject({ code: 'session_gone' });
	expect(w.stage.left()).toEqual([]);
});

test('a delivery that is refused takes the parts with it that were fetched early', async () => {
	const w = await waiting();
	Object.assign(w.sealed.manifest.sources[0] ?? {}, { resources: 4 });
	w.stage.steps = [
		w.upload,
		async () => {
			await until(() => w.staged().length === 3);
			await w.finish();
		},
	];
	await expect(w.run()).rejects.toMatchObject({ code: 'count_mismatch' });
	expect(w.stage.left()).toEqual([]);
});
