/**
 * What slow clients do to healthy ones. Healthy sessions come at a fixed rate, however long the ones before them take, so that a
 * relay that stalls is seen to (no coordinated omission). Turns without and with slow clients alternate.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { median } from '../median.js';
import { Latencies } from './latencies.js';
import { whole } from './load.js';
import { expectStatus, Party, parcel } from './party.js';
import { type RelayProcess, type StoreKind, startOn, Work } from './processes.js';

const TURNS = 3;
const TURN_MS = 15_000;
/** Between the arrivals of two healthy sessions. */
const EVERY_MS = 50;
const HEALTHY = [64 * 1024];
/** Of a slow upload or download: more than the system keeps for a socket. */
const SLOW_BYTES = 16 * 1024 * 1024;
const SETTLE_MS = 10_000;
/** Slow clients share sessions, as many as one may upload at a time. */
const UPLOADS_PER_SESSION = 16;

export interface Slow {
	store: StoreKind;
	clients: number;
	/** Of a whole healthy session, without and with the slow ones: medians of the turns, milliseconds. */
	p50: [number, number];
	p99: [number, number];
	/** Slow clients that were still connected at the end of a turn, the fewest. */
	connected: number;
	errors: string[];
}

export async function measureSlow(store: StoreKind, clients: number): Promise<Slow> {
	const work = await Work.begin();
	try {
		const { relay } = await startOn(work, store, []);
		const parcels = HEALTHY.map(parcel);
		const errors: string[] = [];
		await healthy(relay, parcels, errors, 3000);
		const without: Latencies[] = [];
		const beside: Latencies[] = [];
		let connected = clients;
		for (let turn = 0; turn < TURNS; turn++) {
			without.push(await healthy(relay, parcels, errors, TURN_MS));
			const crowd = await Crowd.gather(relay, clients);
			beside.push(await healthy(relay, parcels, errors, TURN_MS));
			connected = Math.min(connected, await crowd.disperse());
		}
		const both = (share: 'p50' | 'p99'): [number, number] => [
			median(without.map((one) => one.of(WHOLE)[share])),
			median(beside.map((one) => one.of(WHOLE)[share])),
		];
		return { store, clients, p50: both('p50'), p99: both('p99'), connected, errors };
	} finally {
		await work.end();
	}
}

const WHOLE = 'a whole session';

async function healthy(
	relay: RelayProcess,
	parcels: Parameters<typeof whole>[1],
	errors: string[],
	ms: number,
): Promise<Latencies> {
	const latencies = new Latencies();
	const underWay: Promise<void>[] = [];
	const end = performance.now() + ms;
	for (let due = performance.now(); due < end; due += EVERY_MS) {
		await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
		const begun = due;
		underWay.push(
			whole(relay.client, parcels, latencies)
				.then(() => latencies.add(WHOLE, performance.now() - begun))
				.catch((error: unknown) => void errors.push(String(error))),
		);
	}
	await Promise.all(underWay);
	return latencies;
}

/** Slow clients, in a process of their own: a third each send headers, send a part, and read one, a few octets at a time. */
class Crowd {
	private constructor(
		private readonly child: ReturnType<typeof fork>,
		private readonly parties: readonly Party[],
	) {}

	static async gather(relay: RelayProcess, clients: number): Promise<Crowd> {
		const kinds = ['headers', 'body', 'reader'] as const;
		const slow = parcel(SLOW_BYTES);
		const requests: { kind: string; head: string }[] = [];
		const parties: Party[] = [];
		for (let i = 0; i < clients; i++) {
			if (i % (3 * UPLOADS_PER_SESSION) === 0) {
				const party = new Party(relay.client);
				parties.push(party);
				expectStatus('PUT session', await party.create(), 201);
				expectStatus('POST claim', await party.claim(), 200);
				expectStatus('PUT part', await party.put(0, slow), 201);
			}
			const kind = kinds[i % 3] as (typeof kinds)[number];
			const party = parties.at(-1);
			if (party)
				requests.push({ kind, head: party.head(kind === 'reader' ? 'GET' : 'PUT', kind === 'reader' ? 0 : i, slow) });
		}
		const child = fork(fileURLToPath(new URL('crowd.mjs', import.meta.url)), {
			execArgv: [],
			stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
		});
		child.send({ port: relay.port, requests });
		await once(child, 'message');
		// Until the system's own buffers are full, they are as quick as anybody.
		await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
		return new Crowd(child, parties);
	}

	/** @returns how many were still connected */
	async disperse(): Promise<number> {
		this.child.send('disperse');
		const [connected] = (await once(this.child, 'message')) as [number];
		this.child.kill('SIGKILL');
		for (const party of this.parties) expectStatus('DELETE session', await party.end(), 204);
		return connected;
	}
}
