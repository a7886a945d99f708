/** Everybody that a send needs: a sandbox EHR on loopback, the relay as a function, an agent that receives. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { receive } from '../../../relay/agent/delivery/receive.js';
import { type AgentSession, waitForManifest } from '../../../relay/agent/session.js';
import type { Connection } from '../../../sw/wallet/connections.js';
import { temporaryDirectory } from '../../relay/server/support.js';
import { connect, systemOf } from '../../sandbox/client.js';
import type { Sandbox } from '../../sandbox/server.js';
import { startRelay } from '../relay.js';
import { loopback, network, ORIGIN, outside, type Responder } from '../setup.js';
import { connection } from '../wallet/support.js';

/** A worker's modules, freshly loaded and wired as `sw/main.ts` wires them. */
export async function load() {
	const engine = await import('../../../sw/jobs/engine.js');
	const overview = await import('../../../sw/overview.js');
	engine.onJobProgress(overview.announceJob);
	return {
		...engine,
		...overview,
		...(await import('../../../sw/leave.js')),
		...(await import('../../../sw/jobs/start.js')),
		...(await import('../../../sw/jobs/store.js')),
		...(await import('../../../sw/jobs/zip.js')),
		...(await import('../../../sw/session/session.js')),
		...(await import('../../../sw/wallet/connections.js')),
		...(await import('../../../sw/smart/discover.js')),
	};
}

/** A connection to a system of the sandbox, as a sign-in there leaves it. */
export async function signIn(
	sandbox: Sandbox,
	id: string,
	change: Partial<Connection> = {},
	username = 'camila',
): Promise<Connection> {
	const system = systemOf(sandbox, id);
	const tokens = await outside(() => connect(sandbox, id, { username }));
	const { discover, addConnection } = await load();
	network(loopback(sandbox.origin));
	const made = connection({
		id,
		fhirBaseUrl: system.fhirBaseUrl,
		clientId: system.clientId,
		config: await discover(system.fhirBaseUrl),
		provider: { name: system.name, vendor: system.vendor },
		patientId: tokens.patient ?? '',
		scope: tokens.scope,
		accessToken: tokens.access_token,
		accessExpiresAt: Date.now() + tokens.expires_in * 1000,
		refreshToken: tokens.refresh_token ?? null,
		lastRefreshedAt: Date.now(),
		...change,
	});
	await addConnection(made);
	return made;
}

/** A relay beside the sandbox, and a session that the wallet has opened. `odd` may answer first. */
export async function session(sandbox: Sandbox) {
	const relay = await startRelay();
	const asked = await relay.ask();
	const state: { odd?: (request: Request) => Response | undefined | Promise<Response | undefined> } = {};
	const ehr = loopback(sandbox.origin);
	const respond: Responder = async (request) =>
		(await state.odd?.(request)) ?? (new URL(request.url).origin === ORIGIN ? relay.respond(request) : ehr(request));
	network(respond);
	await (await load()).openSession(asked.sid, asked.fragment);
	return { ...asked, relay, state, receive: () => takeDelivery(asked.session, relay.world) };
}

/** What the agent writes: each line of each file, by type and id; lines without an id under their text. */
async function takeDelivery(agent: AgentSession, world: Awaited<ReturnType<typeof startRelay>>['world']) {
	const waiting = waitForManifest(agent, world);
	let step = await waiting.next();
	while (!step.done) step = await waiting.next();
	const out = join(temporaryDirectory(), 'records');
	const receiving = receive(agent, step.value, { out, world });
	let got = await receiving.next();
	while (!got.done) got = await receiving.next();
	const index = got.value;
	const lines = new Map<string, string>();
	const repeated: string[] = [];
	for (const entry of readdirSync(out, { recursive: true, encoding: 'utf8' })) {
		if (!entry.endsWith('.ndjson')) continue;
		const folder = entry.split('/')[0];
		for (const line of readFileSync(join(out, entry), 'utf8').split('\n').filter(Boolean)) {
			const { resourceType, id = line } = JSON.parse(line) as { resourceType: string; id?: string };
			const key = `${folder} ${resourceType}/${id}`;
			if (lines.has(key)) repeated.push(key);
			lines.set(key, line);
		}
	}
	return { index, lines, repeated };
}

/** Asks for slices as the page does, until there is no more to do. */
export async function runToEnd(worker: Pick<Awaited<ReturnType<typeof load>>, 'runSlice'>, id: string) {
	for (;;) {
		const { job, more } = await worker.runSlice(id);
		if (!more) return job;
	}
}

/** Signs in at each system, opens a session and starts a send of all of it. */
export async function send(sandbox: Sandbox, ids: string[], afterwards: 'keep' | 'clear' = 'keep') {
	for (const id of ids) await signIn(sandbox, id);
	const at = await session(sandbox);
	const worker = await load();
	const job = await worker.startSend(at.sid, ids, afterwards);
	return { ...at, worker, id: job.id };
}
