/**
 * How fast parts are parked, as a ratio to bare servers that write the same octets to the same disk: the relay as the process people
 * run, and `parking-bare.mjs` with and without the same promise. They take turns, each with the disk at rest.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { routes } from '../../../relay/contract.js';
import { freePort } from '../../tools/free-port.js';
import { median } from '../collect/median.js';
import { table } from '../table.js';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export interface ParkingOptions {
	/** The relay's built file; `dist/node/relay.js` when it is not given. */
	relay?: string;
	/** A folder on the disk to measure; the system's temporary one when it is not given. */
	directory?: string;
	/** Octets of a part, and of all parts of one turn (at most what a session takes). */
	partBytes?: number;
	turnBytes?: number;
	/** How many parts are on their way at a time. */
	lanes?: readonly number[];
	turns?: number;
}

export interface ParkingRow {
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

/** The aim, against the bare server with the same promise. */
export const PARKING_AIM = 0.7;

export async function measureParking(options: ParkingOptions = {}): Promise<ParkingRow[]> {
	const { relay = here('../../../dist/node/relay.js'), directory = tmpdir(), turns = 5, lanes = [1, 4, 16] } = options;
	const { partBytes = 4 * 1024 * 1024, turnBytes = 400 * 1024 * 1024 } = options;
	const parts = await makeParts(partBytes);
	const count = Math.round(turnBytes / partBytes);
	const work = await mkdtemp(join(directory, 'satchel-parking-'));
	const children: ChildProcess[] = [];
	try {
		const servers = {
			relay: await startRelay(relay, work, children),
			synced: await startBare(join(work, 'synced'), '1', children),
			unsynced: await startBare(join(work, 'unsynced'), '0', children),
		};
		// The first requests of a process are its slowest.
		for (const server of Object.values(servers)) await timed(await server.place(), parts, 8, 4);
		const rows: ParkingRow[] = [];
		for (const width of lanes) {
			const speeds: Record<keyof typeof servers, number[]> = { relay: [], synced: [], unsynced: [] };
			for (let turn = 0; turn < turns; turn++) {
				for (const name of order(turn))
					speeds[name].push(await timed(await servers[name].place(), parts, count, width));
			}
			const ratio = (to: 'synced' | 'unsynced') => median(speeds.relay.map((speed, turn) => speed / speeds[to][turn]!));
			rows.push({
				lanes: width,
				relay: median(speeds.relay),
				synced: median(speeds.synced),
				unsynced: median(speeds.unsynced),
				toSynced: ratio('synced'),
				toUnsynced: ratio('unsynced'),
			});
		}
		return rows;
	} finally {
		const exits = children.map((child) => new Promise((resolve) => child.once('exit', resolve)));
		for (const child of children) child.kill('SIGKILL');
		await Promise.all(exits);
		await rm(work, { recursive: true, force: true });
	}
}

export function parkingTable(rows: readonly ParkingRow[]): string {
	const speed = (octets: number) => `${Math.round(octets / 1e6)} MB/s`;
	return table(
		['parts at a time', 'relay', 'bare, synced', 'bare, not synced', 'relay to synced', 'relay to not synced'],
		rows.map((row) => [
			String(row.lanes),
			speed(row.relay),
			speed(row.synced),
			speed(row.unsynced),
			row.toSynced.toFixed(2),
			row.toUnsynced.toFixed(2),
		]),
	);
}

/** Nobody always comes after the same one. */
function order(turn: number) {
	const names = ['relay', 'synced', 'unsynced'] as const;
	return names.map((_, at) => names[(at + turn) % names.length]!);
}

interface Part {
	data: Buffer;
	headers: Record<string, string>;
}

/** A few different ones, with their digests: the client is to cost as little as it can. */
async function makeParts(bytes: number): Promise<Part[]> {
	return Array.from({ length: 8 }, () => {
		const data = randomBytes(bytes);
		const digest = createHash('sha256').update(data).digest('base64');
		return { data, headers: { 'Content-Length': String(bytes), 'Content-Digest': `sha-256=:${digest}:` } };
	});
}

/** Where the parts of one turn go. */
interface Place {
	port: number;
	path(n: number): string;
	headers: Record<string, string>;
	empty(): Promise<void>;
}

interface Server {
	place(): Promise<Place>;
}

/** Octets a second. The place is empty and the disk at rest afterwards. */
async function timed(place: Place, parts: readonly Part[], count: number, lanes: number): Promise<number> {
	const agent = new Agent({ keepAlive: true, maxSockets: lanes });
	let next = 0;
	let bytes = 0;
	const lane = async () => {
		while (next < count) {
			const n = next++;
			const part = parts[n % parts.length]!;
			const headers = { ...place.headers, ...part.headers };
			const { status } = await send(place.port, 'PUT', place.path(n), headers, part.data, agent);
			if (status !== 201) throw new Error(`a part was answered with ${status}`);
			bytes += part.data.length;
		}
	};
	const started = performance.now();
	await Promise.all(Array.from({ length: lanes }, lane));
	const seconds = (performance.now() - started) / 1000;
	agent.destroy();
	await place.empty();
	await promisify(execFile)('sync');
	return bytes / seconds;
}

function send(
	port: number,
	method: string,
	path: string,
	headers: Record<string, string>,
	body?: Uint8Array | string,
	agent?: Agent,
): Promise<{ status: number }> {
	return new Promise((resolve, reject) => {
		const call = request({ host: '127.0.0.1', port, method, path, headers, agent }, (answer) => {
			answer.resume();
			answer.once('end', () => resolve({ status: answer.statusCode ?? 0 }));
			answer.once('error', reject);
		});
		call.once('error', reject);
		call.end(body);
	});
}

async function startBare(directory: string, sync: '0' | '1', children: ChildProcess[]): Promise<Server> {
	await mkdir(directory);
	const child = spawn(process.execPath, [here('parking-bare.mjs')], {
		env: { ...process.env, DIRECTORY: directory, SYNC: sync },
		stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
	});
	children.push(child);
	const { port } = await new Promise<{ port: number }>((resolve) => child.once('message', resolve));
	return {
		place: async () => ({
			port,
			path: (n) => `/${n}`,
			headers: {},
			empty: async () => {
				for (const name of await readdir(directory)) await rm(join(directory, name));
			},
		}),
	};
}

async function startRelay(built: string, work: string, children: ChildProcess[]): Promise<Server> {
	const port = await freePort();
	const child = spawn(process.execPath, [built], {
		env: {
			...process.env,
			HOST: '127.0.0.1',
			PORT: String(port),
			DATA_DIR: join(work, 'relay'),
			APP_DIR: join(work, 'no-app'),
			SESSIONS_PER_MINUTE: '1000000',
		},
		stdio: ['ignore', 'ignore', 'inherit'],
	});
	children.push(child);
	await listening(port, child);
	return { place: () => claimedSession(port) };
}

async function listening(port: number, child: ChildProcess): Promise<void> {
	for (;;) {
		if (child.exitCode !== null) throw new Error('the relay did not start');
		const there = await send(port, 'GET', routes.health, {}).catch(() => null);
		if (there?.status === 200) return;
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
}

async function claimedSession(port: number): Promise<Place> {
	const random = (octets: number) => randomBytes(octets).toString('base64url');
	const hash = (token: string) => createHash('sha256').update(Buffer.from(token, 'base64url')).digest('base64url');
	const [sid, bid, read, write, owner] = [random(16), random(16), random(32), random(32), random(32)];
	const call = async (method: string, path: string, token: string | null, json?: object) => {
		const headers = { 'Content-Type': 'application/json', ...(token && { Authorization: `Bearer ${token}` }) };
		const { status } = await send(port, method, path, headers, json && JSON.stringify(json));
		if (status >= 300) throw new Error(`${method} was answered with ${status}`);
	};
	const hashes = { readHash: hash(read), writeHash: hash(write) };
	await call('PUT', routes.session(sid), null, { ...hashes, expiresIn: 3600 });
	await call('POST', routes.claim(sid), write, { ownerHash: hash(owner) });
	return {
		port,
		path: (n) => routes.part(sid, bid, n),
		headers: { Authorization: `Bearer ${owner}` },
		empty: () => call('DELETE', routes.session(sid), read),
	};
}

/** By itself: `parking.mjs`. */
export async function main(args: string[]): Promise<number> {
	const option = (name: string) => args[args.indexOf(`--${name}`) + 1] ?? '';
	const given = (name: string) => args.includes(`--${name}`);
	const rows = await measureParking({
		...(given('turns') && { turns: Number(option('turns')) }),
		...(given('lanes') && { lanes: option('lanes').split(',').map(Number) }),
		...(given('directory') && { directory: option('directory') }),
		...(given('relay') && { relay: option('relay') }),
	});
	console.log(parkingTable(rows));
	return rows.every(({ toSynced }) => toSynced >= PARKING_AIM) ? 0 : 1;
}
