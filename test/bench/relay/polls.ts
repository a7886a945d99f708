/** What a thousand agents that wait cost the store while nothing happens. */
import { readFile } from 'node:fs/promises';
import { expectStatus, Party } from './party.js';
import { type RedisProcess, type StoreKind, startOn, Work } from './processes.js';

/** Long enough to be sure that they wait, and shorter than a poll is held. */
const SETTLE_MS = 3000;
const WINDOW_MS = 10_000;
const HOLD_SECONDS = 25;

/** Of these: some wake-ups of the process by its own threads, eight octets each. */
export const NOTHING = 100;

export interface Polls {
	store: StoreKind;
	polls: number;
	/** In the window: commands that Redis handled, or octets that the process read from anything (`rchar`): files, sockets, its own wake-ups. */
	reads: number;
	/** CPU time of the relay in the window, seconds. */
	cpu: number;
	/** From sending all manifests at once until the last of all polls has its answer, milliseconds. */
	wake: number;
}

export async function measurePolls(store: StoreKind, polls: number): Promise<Polls> {
	const work = await Work.begin();
	try {
		const { relay, redis } = await startOn(work, store, []);
		const parties = Array.from({ length: polls }, () => new Party(relay.client));
		for (const party of parties) {
			expectStatus('PUT session', await party.create(), 201);
			expectStatus('POST claim', await party.claim(), 200);
		}
		let answered = 0;
		const answers = parties.map(async (party) => {
			const answer = await party.wait(HOLD_SECONDS);
			answered++;
			return answer;
		});
		await pause(SETTLE_MS);
		const before = await readings(redis, relay.pid);
		await pause(WINDOW_MS);
		const after = await readings(redis, relay.pid);
		if (answered > 0) throw new Error(`${answered} polls were answered before anything happened`);
		const started = performance.now();
		await Promise.all(parties.map(async (party) => expectStatus('PUT manifest', await party.send(), 201)));
		for (const answer of await Promise.all(answers)) expectStatus('GET manifest', answer, 200);
		return {
			store,
			polls,
			reads: after.reads - before.reads,
			cpu: after.cpu - before.cpu,
			wake: performance.now() - started,
		};
	} finally {
		await work.end();
	}
}

/** What of Redis' commands is not a look at the store: the bench's own, and a connection's keeping alive. */
const NOT_READS = new Set(['info', 'ping', 'command', 'quit', 'client', 'hello', 'config|get']);

async function readings(redis: RedisProcess | null, pid: number): Promise<{ reads: number; cpu: number }> {
	const [, , , , , , , , , , , , , user = '0', system = '0'] = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(' ');
	const cpu = (Number(user) + Number(system)) / 100;
	if (!redis) {
		const io = await readFile(`/proc/${pid}/io`, 'utf8');
		return { reads: Number(/rchar: (\d+)/.exec(io)?.[1] ?? Number.NaN), cpu };
	}
	let reads = 0;
	for (const [name, calls] of await redis.calls()) if (!NOT_READS.has(name)) reads += calls;
	return { reads, cpu };
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
