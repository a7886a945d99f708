/**
 * How fast parts are parked, as a ratio to bare servers that write the same octets to the same disk: the relay as the process people
 * run, and `parking-bare.mjs` with and without the same promise. They take turns, each with the disk at rest.
 */
import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { median } from '../median.js';
import { Client } from './http.js';
import { expectStatus, type Parcel, Party, parcel } from './party.js';
import { RelayProcess, Work } from './processes.js';

const PART_BYTES = 4 * 1024 * 1024;
/** Of one turn: 400 MB. */
const PARTS = 100;
const TURNS = 5;
/** How many parts are on their way at a time. */
const LANES = [1, 4, 16];

export interface Parking {
	lanes: number;
	/** Octets a second, medians of the turns. */
	relay: number;
	/** A bare server that has the part on the disk before it answers, as the relay does; and one that leaves that to chance. */
	synced: number;
	unsynced: number;
	/** Medians of the ratios within each turn: more than 1 where the relay is faster. */
	toSynced: number;
	toUnsynced: number;
}

/** Takes the parts of one turn, and forgets them. */
interface Place {
	put(n: number, part: Parcel): Promise<unknown>;
	empty(): Promise<unknown>;
}

export async function measureParking(): Promise<Parking[]> {
	const work = await Work.begin();
	try {
		// A few different ones, with their digests: the client is to cost as little as it can.
		const parcels = Array.from({ length: 8 }, () => parcel(PART_BYTES));
		const relay = await RelayProcess.start(work, { dir: join(work.dir, 'data') });
		const places = {
			relay: () => session(relay),
			synced: await bare(work, 'synced', '1'),
			unsynced: await bare(work, 'unsynced', '0'),
		};
		const names = ['relay', 'synced', 'unsynced'] as const;
		// The first requests of a process are its slowest.
		for (const name of names) await timed(await places[name](), parcels, 8, 4);
		const all: Parking[] = [];
		for (const lanes of LANES) {
			const speeds: Record<(typeof names)[number], number[]> = { relay: [], synced: [], unsynced: [] };
			for (let turn = 0; turn < TURNS; turn++) {
				// Nobody always comes after the same one.
				const order = names.map((_, at) => names[(at + turn) % names.length] as (typeof names)[number]);
				for (const name of order) speeds[name].push(await timed(await places[name](), parcels, PARTS, lanes));
			}
			const ratio = (to: 'synced' | 'unsynced') =>
				median(speeds.relay.map((speed, turn) => speed / (speeds[to][turn] ?? Number.NaN)));
			all.push({
				lanes,
				relay: median(speeds.relay),
				synced: median(speeds.synced),
				unsynced: median(speeds.unsynced),
				toSynced: ratio('synced'),
				toUnsynced: ratio('unsynced'),
			});
		}
		return all;
	} finally {
		await work.end();
	}
}

/** Octets a second. The place is empty and the disk at rest afterwards. */
async function timed(place: Place, parcels: readonly Parcel[], count: number, lanes: number): Promise<number> {
	let next = 0;
	const lane = async () => {
		while (next < count) {
			const n = next++;
			await place.put(n, parcels[n % parcels.length] as Parcel);
		}
	};
	const started = performance.now();
	await Promise.all(Array.from({ length: lanes }, lane));
	const seconds = (performance.now() - started) / 1000;
	await place.empty();
	await promisify(execFile)('sync');
	return (count * PART_BYTES) / seconds;
}

async function session({ client }: RelayProcess): Promise<Place> {
	const party = new Party(client);
	expectStatus('PUT session', await party.create(), 201);
	expectStatus('POST claim', await party.claim(), 200);
	return {
		put: async (n, part) => expectStatus('PUT part', await party.put(n, part), 201),
		empty: async () => expectStatus('DELETE session', await party.end(), 204),
	};
}

async function bare(work: Work, name: string, sync: '0' | '1'): Promise<() => Promise<Place>> {
	const directory = join(work.dir, name);
	await mkdir(directory);
	const child = fork(fileURLToPath(new URL('parking-bare.mjs', import.meta.url)), {
		execArgv: [],
		env: { ...process.env, DIRECTORY: directory, SYNC: sync },
		stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
	});
	work.onEnd(async () => {
		child.kill('SIGKILL');
		await once(child, 'exit');
	});
	const [{ port }] = (await once(child, 'message')) as [{ port: number }];
	const client = new Client(port);
	const place: Place = {
		put: async (n, { octets }) =>
			expectStatus('PUT', await client.call({ method: 'PUT', path: `/${n}`, body: octets }), 201),
		empty: async () => {
			for (const file of await readdir(directory)) await rm(join(directory, file));
		},
	};
	return async () => place;
}
