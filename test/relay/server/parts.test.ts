import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LIMITS, routes } from '../../../relay/contract.js';
import { claimed, eventually, expectProblem, jwe, partHeaders, random, type Setup, setUp } from './support.js';

const octets = (length: number, fill = 7) => new Uint8Array(length).fill(fill);

/** An upload whose octets the test hands over one by one. */
function slowUpload({ call }: Setup, session: { sid: string; owner: string }, bid: string, n: number, headers: object) {
	let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
	let pulled = 0;
	const body = new ReadableStream<Uint8Array>(
		{
			start(given) {
				controller = given;
			},
			pull() {
				pulled++;
			},
		},
		{ highWaterMark: 0 },
	);
	const answer = call('PUT', routes.part(session.sid, bid, n), {
		token: session.owner,
		body,
		headers: headers as Record<string, string>,
	});
	return { answer, started: () => eventually(() => pulled > 0), controller: controller! };
}

describe('a part', () => {
	test('is stored once: 201, the same again 200, other octets 409', async () => {
		const session = await claimed(await setUp());
		const bid = random(16);
		expect((await session.put(bid, 0, octets(100))).status).toBe(201);
		expect((await session.put(bid, 0, octets(100))).status).toBe(200);
		await expectProblem(await session.put(bid, 0, octets(100, 8)), 409, 'already_exists');
		await expectProblem(await session.put(bid, 0, octets(101)), 409, 'already_exists');
		expect((await session.put(bid, LIMITS.partsPerBlob - 1, octets(100, 8))).status).toBe(201);
	});

	test('of any octets comes back as it was, as often as it is asked for', async () => {
		const session = await claimed(await setUp());
		await fc.assert(
			fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 5000 }), async (data) => {
				const bid = random(16);
				expect((await session.put(bid, 3, data)).status).toBe(201);
				for (let again = 0; again < 2; again++) {
					const answer = await session.get(bid, 3);
					expect(answer.headers.get('Content-Type')).toBe('application/octet-stream');
					expect(answer.headers.get('Content-Length')).toBe(String(data.length));
					expect(answer.headers.get('Content-Digest')).toBe(partHeaders(data)['Content-Digest']);
					expect(new Uint8Array(await answer.arrayBuffer())).toEqual(data);
				}
			}),
			{ numRuns: 30 },
		);
	});

	test('longer than one chunk comes back whole', async () => {
		const session = await claimed(await setUp());
		const [bid, data] = [random(16), crypto.getRandomValues(new Uint8Array(60_000))];
		const large = Buffer.concat(Array.from({ length: 20 }, () => data));
		await session.put(bid, 0, large);
		expect(Buffer.from(await (await session.get(bid, 0)).arrayBuffer()).equals(large)).toBe(true);
	});

	test('that was never sent is not found', async () => {
		const session = await claimed(await setUp());
		const bid = random(16);
		await session.put(bid, 0, octets(100));
		await expectProblem(await session.get(bid, 1), 404, 'part_not_found');
		await expectProblem(await session.get(random(16), 0), 404, 'part_not_found');
		await expectProblem(await session.get('x', 0), 404, 'part_not_found');
	});

	test('without Content-Length is refused', async () => {
		const setup = await setUp();
		const session = await claimed(setup);
		const { 'Content-Length': _, ...headers } = partHeaders(octets(10));
		const path = routes.part(session.sid, random(16), 0);
		const answer = await setup.call('PUT', path, { token: session.owner, body: octets(10), headers });
		await expectProblem(answer, 411, 'length_required');
	});

	test.each(['', 'sha-512=:AAAA:', 'sha-256=abc', `sha-256=:${'A'.repeat(42)}:`, `md5=:AA==:`])(
		'with Content-Digest "%s" is refused',
		async (value) => {
			const setup = await setUp();
			const session = await claimed(setup);
			const headers = { 'Content-Length': '10', 'Content-Digest': value };
			const path = routes.part(session.sid, random(16), 0);
			const answer = await setup.call('PUT', path, { token: session.owner, body: octets(10), headers });
			await expectProblem(answer, 400, 'bad_request');
		},
	);

	test('may name further digests beside SHA-256', async () => {
		const setup = await setUp();
		const session = await claimed(setup);
		const headers = partHeaders(octets(10));
		headers['Content-Digest'] = `sha-512=:AAAA:, ${headers['Content-Digest']}, md5=:AA==:`;
		const path = routes.part(session.sid, random(16), 0);
		expect((await setup.call('PUT', path, { token: session.owner, body: octets(10), headers })).status).toBe(201);
	});

	test.each([
		['other octets than its digest says', 'digest_mismatch', 422, octets(10, 1), octets(10)],
		['fewer octets than its length says', 'bad_request', 400, octets(9), octets(9)],
		['more octets than its length says', 'bad_request', 400, octets(11), octets(11)],
	])('with %s is refused and leaves nothing', async (_, code, status, body, digested) => {
		const setup = await setUp();
		const session = await claimed(setup);
		const bid = random(16);
		const headers = { ...partHeaders(digested), 'Content-Length': '10' };
		const path = routes.part(session.sid, bid, 0);
		const put = () => setup.call('PUT', path, { token: session.owner, body, headers });
		await expectProblem(await put(), status, code);
		expect(await (await session.list(session.owner)).json()).toEqual({ blobs: {} });
		expect((await session.put(bid, 0, octets(10))).status).toBe(201);
		// It does not pass for a repetition either.
		expect((await put()).ok).toBe(false);
		expect(Buffer.from(await (await session.get(bid, 0)).arrayBuffer()).equals(octets(10))).toBe(true);
	});

	test('that does not end where it should is not read any further', async () => {
		const setup = await setUp();
		const session = await claimed(setup);
		const bid = random(16);
		const endless = () => {
			const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
				pull: (controller) => controller.enqueue(octets(10)),
			});
			const headers = partHeaders(octets(10));
			return setup.call('PUT', routes.part(session.sid, bid, 0), { token: session.owner, body, headers });
		};
		await expectProblem(await endless(), 400, 'bad_request');
		await session.put(bid, 0, octets(10));
		await expectProblem(await endless(), 400, 'bad_request');
	});

	test.each([
		['short', '0'],
		[random(16), '-1'],
		[random(16), '01'],
		[random(16), '1.0'],
		[random(16), 'x'],
		[random(16), String(LIMITS.partsPerBlob)],
	])('at %s/%s is refused', async (bid, n) => {
		const setup = await setUp();
		const session = await claimed(setup);
		const path = `/api/sessions/${session.sid}/blobs/${bid}/${n}`;
		const init = { token: session.owner, body: octets(10), headers: partHeaders(octets(10)) };
		await expectProblem(await setup.call('PUT', path, init), 400, 'bad_request');
	});

	test('whose upload breaks off leaves nothing, and can be sent again', async () => {
		const setup = await setUp();
		const session = await claimed(setup, { maxBytes: 100 });
		const bid = random(16);
		const upload = slowUpload(setup, session, bid, 0, partHeaders(octets(100)));
		await upload.started();
		upload.controller.enqueue(octets(60));
		upload.controller.error(new Error('connection lost'));
		await expectProblem(await upload.answer, 400, 'bad_request');
		expect(await (await session.list(session.owner)).json()).toEqual({ blobs: {} });
		expect((await session.put(bid, 0, octets(100))).status).toBe(201);
	});

	test('is not visible before its last octet', async () => {
		const setup = await setUp();
		const session = await claimed(setup);
		const bid = random(16);
		const upload = slowUpload(setup, session, bid, 0, partHeaders(octets(100)));
		await upload.started();
		upload.controller.enqueue(octets(100));
		await expectProblem(await session.get(bid, 0), 404, 'part_not_found');
		upload.controller.close();
		expect((await upload.answer).status).toBe(201);
		expect((await session.get(bid, 0)).status).toBe(200);
	});
});

describe('parts at the same time', () => {
	test('with the same octets for the same place: one is created, the others repeat it', async () => {
		const session = await claimed(await setUp());
		const bid = random(16);
		const answers = await Promise.all(Array.from({ length: 12 }, () => session.put(bid, 0, octets(1000))));
		expect(answers.map(({ status }) => status).sort()).toEqual([...Array(11).fill(200), 201]);
		expect(await (await session.list(session.read)).json()).toEqual({ blobs: { [bid]: [{ n: 0, bytes: 1000 }] } });
	});

	test('with different octets for the same place: one is kept whole', async () => {
		const session = await claimed(await setUp());
		const bid = random(16);
		const answers = await Promise.all(Array.from({ length: 12 }, (_, fill) => session.put(bid, 0, octets(1000, fill))));
		const winner = answers.findIndex(({ status }) => status === 201);
		expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(11).fill(409)]);
		const stored = new Uint8Array(await (await session.get(bid, 0)).arrayBuffer());
		expect(stored).toEqual(octets(1000, winner));
	});

	test('beyond what one session may have under way are put off', async () => {
		const setup = await setUp();
		const session = await claimed(setup);
		const headers = partHeaders(octets(10));
		const uploads = Array.from({ length: 16 }, (_, n) => slowUpload(setup, session, random(16), n, headers));
		for (const upload of uploads) await upload.started();
		const answer = await session.put(random(16), 0, octets(10));
		expect(answer.headers.get('Retry-After')).toBe('1');
		await expectProblem(answer, 429, 'too_many_requests');
		for (const { controller } of uploads) {
			controller.enqueue(octets(10));
			controller.close();
		}
		for (const { answer } of uploads) expect((await answer).status).toBe(201);
		expect((await session.put(random(16), 0, octets(10))).status).toBe(201);
	});

	test('as the manifest: what is not stored by then is refused', async () => {
		const setup = await setUp();
		const session = await claimed(setup);
		const upload = slowUpload(setup, session, random(16), 0, partHeaders(octets(10)));
		await upload.started();
		expect((await session.send(jwe())).status).toBe(201);
		upload.controller.enqueue(octets(10));
		upload.controller.close();
		await expectProblem(await upload.answer, 409, 'already_sent');
		expect(await (await session.list(session.read)).json()).toEqual({ blobs: {} });
	});

	test.each(['is deleted', 'expires'])('as the session %s: nothing is stored', async (how) => {
		const setup = await setUp();
		const session = await claimed(setup);
		const upload = slowUpload(setup, session, random(16), 0, partHeaders(octets(10)));
		await upload.started();
		if (how === 'expires') setup.clock.time += 600_000;
		else await session.end();
		upload.controller.enqueue(octets(10));
		upload.controller.close();
		await expectProblem(await upload.answer, 410, 'session_gone');
	});
});

describe('of all uploads', () => {
	test('one address has no more than half', async () => {
		const setup = await setUp({ uploads: 4 });
		const session = await claimed(setup);
		const headers = partHeaders(octets(10));
		const uploads = [0, 1].map((n) => slowUpload(setup, session, random(16), n, headers));
		for (const upload of uploads) await upload.started();
		const put = (address: string) => {
			const init = { token: session.owner, body: octets(10), headers, address };
			return setup.call('PUT', routes.part(session.sid, random(16), 0), init);
		};
		await expectProblem(await put('192.0.2.1'), 429, 'too_many_requests');
		expect((await put('192.0.2.2')).status).toBe(201);
		for (const { controller } of uploads) {
			controller.enqueue(octets(10));
			controller.close();
		}
		for (const { answer } of uploads) expect((await answer).status).toBe(201);
		expect((await put('192.0.2.1')).status).toBe(201);
	});
});

test('asking with HEAD is no download that stays under way', async () => {
	const setup = await setUp();
	const session = await claimed(setup);
	const bid = random(16);
	await session.put(bid, 0, octets(400_000));
	for (let again = 0; again < 20; again++) {
		const answer = await setup.call('HEAD', routes.part(session.sid, bid, 0), { token: session.read });
		expect([answer.status, answer.headers.get('Content-Length')]).toEqual([200, '400000']);
	}
	expect((await (await session.get(bid, 0)).arrayBuffer()).byteLength).toBe(400_000);
});

describe('the limits of a session', () => {
	test('hold for one part', async () => {
		const session = await claimed(await setUp({ partBytes: 100 }));
		expect((await session.put(random(16), 0, octets(100))).status).toBe(201);
		await expectProblem(await session.put(random(16), 0, octets(101)), 413, 'too_large');
	});

	test('hold for all parts together', async () => {
		const session = await claimed(await setUp(), { maxBytes: 250 });
		const bid = random(16);
		expect((await session.put(bid, 0, octets(100))).status).toBe(201);
		expect((await session.put(bid, 1, octets(100))).status).toBe(201);
		await expectProblem(await session.put(bid, 2, octets(51)), 413, 'too_large');
		expect((await session.put(bid, 1, octets(100))).status).toBe(200);
		expect((await session.put(bid, 2, octets(50))).status).toBe(201);
	});

	test('hold for parts that arrive at the same time', async () => {
		const session = await claimed(await setUp(), { maxBytes: 450 });
		const answers = await Promise.all(Array.from({ length: 10 }, (_, n) => session.put(random(16), n, octets(100))));
		expect(answers.filter(({ status }) => status === 201)).toHaveLength(4);
		expect(answers.filter(({ status }) => status === 413)).toHaveLength(6);
	});

	test('do not count twice what a hanging first attempt has announced', async () => {
		const setup = await setUp();
		const session = await claimed(setup, { maxBytes: 150 });
		const bid = random(16);
		const hanging = slowUpload(setup, session, bid, 0, partHeaders(octets(100)));
		await hanging.started();
		expect((await session.put(bid, 0, octets(100))).status).toBe(201);
		expect((await session.put(bid, 1, octets(50))).status).toBe(201);
		hanging.controller.error(new Error('connection lost'));
		expect((await hanging.answer).status).toBe(400);
	});

	test('hold for the number of blobs', async () => {
		const session = await claimed(await setUp());
		const bids = Array.from({ length: LIMITS.blobsPerSession }, () => random(16));
		for (const bid of bids) expect((await session.put(bid, 0, octets(1))).status).toBe(201);
		await expectProblem(await session.put(random(16), 0, octets(1)), 413, 'too_large');
		expect((await session.put(bids[0]!, 1, octets(1))).status).toBe(201);
	});

	test('are never exceeded, whatever arrives in whatever order', async () => {
		const setup = await setUp();
		const upload = fc.record({
			blob: fc.nat(2),
			n: fc.nat(2),
			length: fc.integer({ min: 1, max: 60 }),
			fill: fc.nat(1),
		});
		await fc.assert(
			fc.asyncProperty(fc.array(upload, { maxLength: 14 }), async (uploads) => {
				const session = await claimed(setup, { maxBytes: 150 });
				const bids = [random(16), random(16), random(16)];
				const answers = await Promise.all(
					uploads.map(({ blob, n, length, fill }) => session.put(bids[blob]!, n, octets(length, fill))),
				);
				const wait = await session.wait(0);
				const total = Number(wait.headers.get('Session-Bytes'));
				expect(total).toBeLessThanOrEqual(150);
				// Exactly what was answered with 201 is there, and is what was sent.
				let created = 0;
				for (const [at, { blob, n, length, fill }] of uploads.entries()) {
					if (answers[at]!.status !== 201) continue;
					created += length;
					const stored = Buffer.from(await (await session.get(bids[blob]!, n)).arrayBuffer());
					const digest = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');
					expect(digest(stored)).toBe(digest(octets(length, fill)));
				}
				expect(total).toBe(created);
			}),
			{ numRuns: 25 },
		);
	});
});
