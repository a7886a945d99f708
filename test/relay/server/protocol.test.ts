import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { BlobList, LIMITS, routes, SessionCreated, SessionInfo } from '../../../relay/contract.js';
import { claimed, eventually, expectProblem, jwe, partHeaders, party, random, setUp, tokenHash } from './support.js';

const minute = 60_000;

describe('making a session', () => {
	test('answers 201 with the end and the limits, and the same again 200', async () => {
		const setup = await setUp();
		const session = party(setup);
		const first = await session.create({ maxBytes: 1000, request: 'a.b.c.d.e' });
		expect(first.status).toBe(201);
		const answer = v.parse(SessionCreated, await first.json());
		expect(answer).toEqual({ expiresAt: '2026-11-22T12:10:00.000Z', maxBytes: 1000, partBytes: LIMITS.partBytes });
		setup.clock.advance(minute);
		const second = await session.create({ maxBytes: 1000, request: 'a.b.c.d.e' });
		expect(second.status).toBe(200);
		expect(await second.json()).toEqual(answer);
	});

	test.each([
		{ readHash: random(32) },
		{ writeHash: random(32) },
		{ expiresIn: 599 },
		{ maxBytes: 5 },
		{ request: 'x' },
	])('with another body (%o) is refused', async (change) => {
		const session = party(await setUp());
		await session.create();
		await expectProblem(await session.create(change), 409, 'already_exists');
	});

	test('is still repeated as 200 when the session has been claimed', async () => {
		const session = await claimed(await setUp());
		expect((await session.create()).status).toBe(200);
	});

	test.each([
		{ expiresIn: 0 },
		{ expiresIn: 3601 },
		{ expiresIn: 1.5 },
		{ expiresIn: '60' },
		{ readHash: 'short' },
		{ readHash: undefined },
		{ maxBytes: 0 },
		{ maxBytes: -1 },
		{ request: 5 },
		{ unknown: true },
	])('of the wrong shape (%o) is refused', async (change) => {
		await expectProblem(await party(await setUp()).create(change), 400, 'bad_request');
	});

	test.each(['short', random(15), random(17), `${random(16).slice(0, -1)}B`, '.'.repeat(22)])(
		'under the id %s is refused',
		async (sid) => {
			await expectProblem(await party(await setUp(), sid).create(), 400, 'bad_request');
		},
	);

	test('that is not JSON, or longer than JSON may be, is refused', async () => {
		const { call } = await setUp();
		const path = routes.session(random(16));
		await expectProblem(await call('PUT', path, { body: '{' }), 400, 'bad_request');
		await expectProblem(await call('PUT', path, { body: new Uint8Array([0xff, 0xfe]) }), 400, 'bad_request');
		await expectProblem(await call('PUT', path, { body: ' '.repeat(LIMITS.jsonBytes + 1) }), 413, 'too_large');
		const declared = { body: '{}', headers: { 'Content-Length': '20000' } };
		await expectProblem(await call('PUT', path, declared), 413, 'too_large');
	});

	test('never takes more than the relay is configured for', async () => {
		const session = party(await setUp({ maxBytes: 5000 }));
		expect(await (await session.create({ maxBytes: 1e9 })).json()).toMatchObject({ maxBytes: 5000 });
	});
});

describe('looking at a session', () => {
	test('tells each holder of a token its state, limits and request', async () => {
		const session = party(await setUp());
		await session.create({ request: 'a.b.c.d.e' });
		const look = async (token: string) => v.parse(SessionInfo, await (await session.info(token)).json());
		expect(await look(session.write)).toEqual({
			state: 'open',
			expiresAt: '2026-11-22T12:10:00.000Z',
			maxBytes: LIMITS.maxBytes,
			partBytes: LIMITS.partBytes,
			request: 'a.b.c.d.e',
		});
		await session.claim();
		expect(await look(session.owner)).toMatchObject({ state: 'claimed' });
		await session.send();
		expect(await look(session.read)).toMatchObject({ state: 'sent' });
	});

	test('has no request when the agent gave none', async () => {
		const session = await claimed(await setUp());
		expect(await (await session.info(session.read)).json()).not.toHaveProperty('request');
	});

	test('does not tell a wrong token from an unknown session', async () => {
		const setup = await setUp();
		const session = await claimed(setup);
		const answer = async (response: Response) => {
			const { correlationId: _, ...body } = await response.json();
			return { status: response.status, headers: [...response.headers], body };
		};
		const wrong = await answer(await session.info(random(32)));
		expect(wrong).toMatchObject({ status: 404, body: { code: 'session_not_found' } });
		expect(await answer(await party(setup).info(random(32)))).toEqual(wrong);
	});

	test.each([undefined, '', 'Bearer', 'Bearer x', `Basic ${random(32)}`, `Bearer ${random(31)}`])(
		'is refused with Authorization: %s',
		async (Authorization) => {
			const setup = await setUp();
			const session = await claimed(setup);
			const headers: Record<string, string> = Authorization === undefined ? {} : { Authorization };
			await expectProblem(await setup.call('GET', routes.session(session.sid), { headers }), 404, 'session_not_found');
		},
	);
});

describe('who may call what', () => {
	const allowed = {
		info: ['write', 'owner', 'read'],
		claim: ['write'],
		put: ['owner'],
		list: ['owner', 'read'],
		send: ['owner'],
		wait: ['read'],
		get: ['read'],
		end: ['read', 'owner'],
	} as const;
	const octets = new Uint8Array(40);
	const cases = Object.keys(allowed).flatMap((call) =>
		(['read', 'write', 'owner', 'nobody'] as const).map((role) => [call as keyof typeof allowed, role] as const),
	);

	test.each(cases)('%s as %s', async (call, role) => {
		const session = await claimed(await setUp());
		const bid = random(16);
		await session.put(bid, 0, octets);
		const token = role === 'nobody' ? random(32) : session[role];
		const response = await {
			info: () => session.info(token),
			claim: () => session.claim(session.owner, token),
			put: () => session.put(bid, 0, octets, token),
			list: () => session.list(token),
			send: () => session.send(jwe(), token),
			wait: () => session.wait(0, token),
			get: () => session.get(bid, 0, token),
			end: () => session.end(token),
		}[call]();
		if ((allowed[call] as readonly string[]).includes(role)) expect(response.ok).toBe(true);
		else await expectProblem(response, 404, 'session_not_found');
	});
});

describe('claiming', () => {
	test('answers 200, the same again 200, and another owner 409', async () => {
		const session = party(await setUp());
		await session.create();
		expect((await session.claim()).status).toBe(200);
		expect((await session.claim()).status).toBe(200);
		await expectProblem(await session.claim(random(32)), 409, 'already_claimed');
		await session.send();
		expect((await session.claim()).status).toBe(200);
	});

	test('as somebody whose token is the reader’s already is refused', async () => {
		const session = party(await setUp());
		await session.create();
		await expectProblem(await session.claim(session.read), 400, 'bad_request');
	});

	test('by a hundred wallets at once gives the session to exactly one', async () => {
		const session = party(await setUp());
		await session.create();
		const answers = await Promise.all(Array.from({ length: 100 }, () => session.claim(random(32))));
		expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
		expect(answers.filter(({ status }) => status === 409)).toHaveLength(99);
	});

	test('without a hash is refused', async () => {
		const setup = await setUp();
		const session = party(setup);
		await session.create();
		const claim = (json: unknown) => setup.call('POST', routes.claim(session.sid), { token: session.write, json });
		await expectProblem(await claim({}), 400, 'bad_request');
		await expectProblem(await claim({ ownerHash: tokenHash(session.owner), more: 1 }), 400, 'bad_request');
	});
});

describe('before the claim', () => {
	test('neither parts nor a manifest are taken', async () => {
		const session = party(await setUp());
		await session.create();
		await expectProblem(await session.put(random(16), 0, new Uint8Array(9), session.write), 409, 'not_claimed');
		await expectProblem(await session.send(jwe(), session.write), 409, 'not_claimed');
		await expectProblem(await session.send(jwe(), random(32)), 404, 'session_not_found');
	});
});

describe('the manifest', () => {
	test('is taken once: 201, the same again 200, another 409', async () => {
		const session = await claimed(await setUp());
		const manifest = jwe();
		expect((await session.send(manifest)).status).toBe(201);
		expect((await session.send(manifest)).status).toBe(200);
		await expectProblem(await session.send(jwe()), 409, 'already_sent');
		const answer = await session.wait();
		expect(answer.headers.get('Content-Type')).toBe('application/jose');
		expect(answer.headers.get('Cache-Control')).toBe('no-store');
		expect(await answer.text()).toBe(manifest);
	});

	test('of many different ones at once is exactly one', async () => {
		const session = await claimed(await setUp());
		const answers = await Promise.all(Array.from({ length: 30 }, () => session.send()));
		expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
		expect(answers.filter(({ status }) => status === 409)).toHaveLength(29);
	});

	test('must be a JWE compact of at most 1 MiB, and say so', async () => {
		const setup = await setUp();
		const session = await claimed(setup);
		await expectProblem(await session.send('not a jwe'), 400, 'bad_request');
		await expectProblem(await session.send(jwe('A'.repeat(LIMITS.manifestBytes))), 413, 'too_large');
		const untyped = { token: session.owner, body: jwe() };
		await expectProblem(await setup.call('PUT', routes.manifest(session.sid), untyped), 400, 'bad_request');
		expect(await (await session.info(session.read)).json()).toMatchObject({ state: 'claimed' });
	});

	test('ends the taking of parts, but not the repetition of stored ones', async () => {
		const session = await claimed(await setUp());
		const [bid, octets] = [random(16), new Uint8Array(50)];
		await session.put(bid, 0, octets);
		await session.send();
		await expectProblem(await session.put(bid, 1, octets), 409, 'already_sent');
		await expectProblem(await session.put(bid, 0, new Uint8Array(51)), 409, 'already_sent');
		expect((await session.put(bid, 0, octets)).status).toBe(200);
	});
});

describe('waiting for the manifest', () => {
	test('answers 204 with the progress when the time is over, not before', async () => {
		const setup = await setUp();
		const session = await claimed(setup);
		await session.put(random(16), 0, new Uint8Array(50));
		const timers = setup.clock.timers.size;
		let answer: Response | undefined;
		const waiting = session.wait(25).then((response) => {
			answer = response;
			return response;
		});
		await eventually(() => setup.clock.timers.size > timers);
		setup.clock.advance(24_999);
		await new Promise((resolve) => setImmediate(resolve));
		expect(answer).toBeUndefined();
		await session.put(random(16), 0, new Uint8Array(30));
		setup.clock.advance(1);
		const { status, headers } = await waiting;
		expect(status).toBe(204);
		expect(headers.get('Session-State')).toBe('claimed');
		expect(headers.get('Session-Parts')).toBe('2');
		expect(headers.get('Session-Bytes')).toBe('80');
		expect(setup.clock.timers.size).toBe(timers);
	});

	test('answers at once without a time, and never waits longer than the protocol says', async () => {
		const setup = await setUp();
		const session = party(setup);
		await session.create();
		expect((await session.wait()).status).toBe(204);
		expect((await session.wait(0)).headers.get('Session-State')).toBe('open');
		const timers = setup.clock.timers.size;
		const waiting = session.wait(3000);
		await eventually(() => setup.clock.timers.size > timers);
		setup.clock.advance(LIMITS.waitSeconds * 1000);
		expect((await waiting).status).toBe(204);
		await expectProblem(await session.wait(-1), 400, 'bad_request');
	});

	test('is woken by the manifest, for everybody who waits', async () => {
		const setup = await setUp();
		const session = await claimed(setup);
		const timers = setup.clock.timers.size;
		const waiting = [session.wait(25), session.wait(25), session.wait(25)];
		await eventually(() => setup.clock.timers.size === timers + 3);
		const manifest = jwe();
		await session.send(manifest);
		for (const answer of await Promise.all(waiting)) expect(await answer.text()).toBe(manifest);
		expect(setup.clock.timers.size).toBe(timers);
	});

	test('is woken by the end of the session', async () => {
		const setup = await setUp();
		const session = await claimed(setup);
		const timers = setup.clock.timers.size;
		const waiting = session.wait(25);
		await eventually(() => setup.clock.timers.size > timers);
		await session.end(session.owner);
		await expectProblem(await waiting, 410, 'session_gone');
	});

	test('does not outlast the session', async () => {
		const setup = await setUp();
		const session = party(setup);
		await session.create({ expiresIn: 10 });
		const timers = setup.clock.timers.size;
		const waiting = session.wait(25);
		await eventually(() => setup.clock.timers.size > timers);
		setup.clock.advance(10_000);
		await expectProblem(await waiting, 410, 'session_gone');
	});

	test.each(['the client goes away', 'the relay stops'])('ends when %s', async (reason) => {
		const setup = await setUp();
		const session = await claimed(setup);
		const timers = setup.clock.timers.size;
		const client = new AbortController();
		const waiting = session.wait(25, session.read, client.signal);
		await eventually(() => setup.clock.timers.size > timers);
		(reason === 'the relay stops' ? setup.stopping : client).abort();
		expect((await waiting).status).toBe(204);
		expect(setup.clock.timers.size).toBe(timers);
	});
});

describe('the end', () => {
	test.each(['read', 'owner'] as const)('by %s answers 204, and 410 for everything afterwards', async (role) => {
		const session = await claimed(await setUp());
		const [bid, octets] = [random(16), new Uint8Array(50)];
		await session.put(bid, 0, octets);
		await session.send();
		expect((await session.end(session[role])).status).toBe(204);
		for (const response of [
			await session.create(),
			await session.info(session.write),
			await session.info(session.read),
			await session.info(session.owner),
			await session.claim(),
			await session.put(bid, 0, octets),
			await session.list(session.read),
			await session.send(),
			await session.wait(25),
			await session.get(bid, 0),
			await session.end(),
		]) {
			await expectProblem(response, 410, 'session_gone');
		}
		await expectProblem(await session.info(random(32)), 404, 'session_not_found');
		await expectProblem(await session.create({ readHash: random(32) }), 409, 'already_exists');
	});

	test('comes by itself when the session expires, to the millisecond', async () => {
		const setup = await setUp();
		const session = await claimed(setup);
		setup.clock.time += 600_000 - 1;
		expect((await session.info(session.read)).status).toBe(200);
		setup.clock.time += 1;
		await expectProblem(await session.info(session.read), 410, 'session_gone');
		await expectProblem(await session.put(random(16), 0, new Uint8Array(50)), 410, 'session_gone');
		await expectProblem(await session.info(random(32)), 404, 'session_not_found');
	});

	test('is remembered for a day', async () => {
		const setup = await setUp();
		const session = await claimed(setup);
		await session.end();
		setup.clock.time += 24 * 60 * minute - 1;
		await expectProblem(await session.info(session.read), 410, 'session_gone');
		setup.clock.time += 1;
		await expectProblem(await session.info(session.read), 404, 'session_not_found');
	});
});

describe('the list of parts', () => {
	test('names every stored part with its size, in order', async () => {
		const session = await claimed(await setUp());
		const [one, two] = [random(16), random(16)];
		for (const [bid, n] of [
			[one, 10],
			[two, 0],
			[one, 2],
			[one, 0],
		] as const) {
			await session.put(bid, n, new Uint8Array(100 + n));
		}
		for (const token of [session.read, session.owner]) {
			expect(v.parse(BlobList, await (await session.list(token)).json())).toEqual({
				blobs: {
					[one]: [
						{ n: 0, bytes: 100 },
						{ n: 2, bytes: 102 },
						{ n: 10, bytes: 110 },
					],
					[two]: [{ n: 0, bytes: 100 }],
				},
			});
		}
	});
});

describe('an unknown address', () => {
	test.each(['/api', '/api/', '/api/nothing', '/api/sessions', '/api/sessions/x/y/z'])(
		'%s is told so',
		async (path) => {
			await expectProblem(await (await setUp()).call('GET', path), 404, 'not_found');
		},
	);

	test('is also a known one with another method', async () => {
		const { call } = await setUp();
		await expectProblem(await call('POST', routes.session(random(16)), { json: {} }), 404, 'not_found');
		await expectProblem(await call('PATCH', '/'), 404, 'not_found');
	});
});

describe('part headers of the tests', () => {
	test('are those of RFC 9530', () => {
		expect(partHeaders(new TextEncoder().encode('{"hello": "world"}\n'))['Content-Digest']).toBe(
			'sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:',
		);
	});
});
