import { createHash } from 'node:crypto';
import { parse } from 'valibot';
import { expect, test } from 'vitest';
import { follow } from '../../../relay/agent/delivery/receive.js';
import { sessionFile, writeSessionFile } from '../../../relay/agent/keyfile.js';
import { type AgentSession, createSession } from '../../../relay/agent/session.js';
import { BlobList, routes, SessionInfo } from '../../../relay/contract.js';
import { deriveKeys, openRequest, random, sealManifest, tokenHash } from '../../../relay/envelope.js';
import { eventually, setUp } from '../server/support.js';
import { all, Stage, seal, until } from './fake.js';

const patient = '{"resourceType":"Patient","id":"p1"}\n';

/** The agent and the relay itself, as functions of Request, on one clock. */
async function both() {
	const s = new Stage();
	const server = await setUp();
	const polls: string[] = [];
	/** Numbers of parts, in the order of the requests. */
	const fetched: string[] = [];
	const fetch = (request: Request) => {
		if (request.url.includes('/manifest')) polls.push(request.url);
		const part = /\/blobs\/[^/]+\/(\d+)$/.exec(request.url)?.[1];
		if (part) fetched.push(part);
		return server.relay(request);
	};
	const world = { ...s.world, fetch, now: () => server.clock.now() };
	const session = await createSession({ relay: 'https://relay.test', who: 'Helper', why: 'To prepare' }, world);
	const file = sessionFile(s.out);
	await writeSessionFile(file, session);
	return {
		s,
		server,
		session,
		polls,
		fetched,
		follow: () => all(follow(session, { out: s.out, sessionFile: file, world })),
	};
}

/** A wallet's steps at the relay. */
async function wallet({ call }: Awaited<ReturnType<typeof setUp>>, session: AgentSession) {
	const { sid } = session;
	const keys = await deriveKeys(session);
	const owner = random(32);
	const done = async (response: Promise<Response>, status: number) => expect((await response).status).toBe(status);
	const sealed = await seal(session, [{ segments: [patient, patient] }]);
	return {
		info: async () => parse(SessionInfo, await (await call('GET', routes.session(sid), { token: keys.write })).json()),
		requestKey: keys.request,
		claim: async () =>
			done(call('POST', routes.claim(sid), { token: keys.write, json: { ownerHash: await tokenHash(owner) } }), 200),
		async upload() {
			for (const [name, part] of sealed.parts) {
				const [bid = '', n] = name.split('/');
				const headers = {
					'Content-Length': String(part.length),
					'Content-Digest': `sha-256=:${createHash('sha256').update(part).digest('base64')}:`,
				};
				const body = part as Uint8Array<ArrayBuffer>;
				await done(call('PUT', routes.part(sid, bid, Number(n)), { token: owner, headers, body }), 201);
			}
		},
		async finish() {
			const body = await sealManifest(sealed.manifest, session.pk, keys);
			const headers = { 'Content-Type': 'application/jose' };
			await done(call('PUT', routes.manifest(sid), { token: owner, headers, body }), 201);
		},
		blobs: async () => call('GET', routes.blobs(sid), { token: session.read }),
	};
}

test('agent and relay agree from the first request to the deletion', async () => {
	const { s, server, session, polls, fetched, follow } = await both();
	const w = await wallet(server, session);
	const info = await w.info();
	expect(info).toMatchObject({ state: 'open', expiresAt: session.expiresAt });
	expect(await openRequest(info.request ?? '', w.requestKey)).toEqual({ who: 'Helper', why: 'To prepare' });

	const started = server.clock.now();
	const following = follow();
	await eventually(() => polls.length > 0);
	await w.claim();
	await w.upload();
	// The claim and the parts wake the poll: no time passes.
	await until(() => fetched.length === 2);
	expect(parse(BlobList, await (await w.blobs()).json())).toBeDefined();
	await w.finish();
	const { events, result } = await following;
	const [claimed, ...more] = events.map(({ event }) => event);
	expect([claimed, ...more.slice(-3)]).toEqual(['claimed', 'receiving', 'receiving', 'written']);
	expect(fetched.sort()).toEqual(['0', '1']);
	expect(server.clock.now()).toBe(started);
	expect(result.closed).toBe(true);
	expect(s.left()).toEqual(['01-example-clinic', 'index.json', 'summary.md']);
	expect((await w.blobs()).status).toBe(410);
});

test('a session that expires while the agent waits is over for both', async () => {
	const { s, server, polls, follow } = await both();
	const following = follow();
	await eventually(() => polls.length > 0);
	server.clock.advance(3_600_000);
	await expect(following).rejects.toMatchObject({ code: expect.stringMatching(/^session_(gone|expired)$/) });
	expect(s.left()).toEqual([]);
});
