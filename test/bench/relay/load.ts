/** Many sessions at once, each whole: made, claimed, waited for, filled, finished, fetched, ended. */
import type { Client } from './http.js';
import { Latencies } from './latencies.js';
import { expectStatus, type Parcel, Party, parcel } from './party.js';
import { residentMemory, type StoreKind, startOn, Work } from './processes.js';

/** 5 MB as a wallet cuts them. */
const PARTS = [4 * 1024 * 1024, 1024 * 1024];

/** The least that an agent waits between two polls. */
const PACE_MS = 20;

export interface Load {
	store: StoreKind;
	sessions: number;
	/** Anything but what the protocol gives for it. */
	errors: string[];
	latencies: Latencies;
	seconds: number;
	/** Resident memory of the relay in octets: before, and at most. */
	idle: number;
	peak: number;
	/** A while after the end. */
	after: number;
}

export async function measureLoad(store: StoreKind, sessions: number): Promise<Load> {
	const work = await Work.begin();
	try {
		const { relay } = await startOn(work, store, []);
		const parcels = PARTS.map(parcel);
		// What is compiled and allocated once is not the load's.
		await whole(relay.client, parcels, new Latencies());
		const latencies = new Latencies();
		const idle = await relay.memory();
		let peak = idle;
		const watching = setInterval(async () => {
			peak = Math.max(peak, await residentMemory(relay.pid));
		}, 200);
		const errors: string[] = [];
		const started = performance.now();
		await Promise.all(
			Array.from({ length: sessions }, () =>
				whole(relay.client, parcels, latencies).catch((error: unknown) => void errors.push(String(error))),
			),
		);
		const seconds = (performance.now() - started) / 1000;
		clearInterval(watching);
		await new Promise((resolve) => setTimeout(resolve, 3000));
		return { store, sessions, errors, latencies, seconds, idle, peak, after: await relay.memory() };
	} finally {
		await work.end();
	}
}

/** @throws where the relay answers anything but what the protocol gives for it, or other octets than it was given */
export async function whole(client: Client, parcels: readonly Parcel[], latencies: Latencies): Promise<void> {
	const party = new Party(client, latencies);
	expectStatus('PUT session', await party.create(), 201);
	const agent = (async () => {
		for (;;) {
			const answer = await party.wait(25);
			if (answer.status === 200) break;
			expectStatus('GET manifest', answer, 204);
			await new Promise((resolve) => setTimeout(resolve, PACE_MS));
		}
		for (const [n, { octets }] of parcels.entries()) {
			const answer = await party.get(n);
			expectStatus('GET part', answer, 200);
			if (!answer.body.equals(octets)) throw new Error('GET part: other octets');
		}
		expectStatus('DELETE session', await party.end(), 204);
	})();
	const wallet = (async () => {
		expectStatus('POST claim', await party.claim(), 200);
		for (const [n, one] of parcels.entries()) expectStatus('PUT part', await party.put(n, one), 201);
		expectStatus('PUT manifest', await party.send(), 201);
	})();
	await Promise.all([agent, wallet]);
}
