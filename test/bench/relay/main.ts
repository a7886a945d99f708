/** The whole bench of the relay: options, parts, tables. */
import { parseArgs } from 'node:util';
import { machine } from '../machine.js';
import { measured } from '../readme.js';
import { table } from '../table.js';
import { clockMoved, type Fault, finalises, redisRestarted, replicaKilled } from './faults.js';
import { type Kills, measureKills } from './kill.js';
import { type Load, measureLoad } from './load.js';
import { measureParking, type Parking } from './parking.js';
import { measurePolls, NOTHING, type Polls } from './polls.js';
import { STORES, type StoreKind } from './processes.js';
import { measureSlow, type Slow } from './slow.js';

const AIMS = {
	/** Of healthy sessions' p99 with slow clients to that without. */
	slow: 1.5,
	/** Of the throughput of a bare server with the same promise. */
	parking: 0.7,
	/** Resident memory with the most sessions to that with the fewest. */
	memory: 1.5,
	/** Of kills, those that came during an upload. */
	hit: 0.5,
} as const;

/** @returns the exit code: 0 if all aims are met */
export async function main(args: string[]): Promise<number> {
	const { values } = parseArgs({
		args,
		options: {
			parts: { type: 'string', default: 'parking,load,polls,slow,kill,faults' },
			stores: { type: 'string', default: STORES.join(',') },
			sessions: { type: 'string', default: '100,1000' },
			/** On Redis. With a thousand that send at once, the system's memory for TCP (`tcp_mem`) runs out on this machine. */
			'redis-sessions': { type: 'string', default: '100,250' },
			polls: { type: 'string', default: '1000' },
			slow: { type: 'string', default: '2000' },
			kills: { type: 'string', default: '200' },
			/** Writes nothing. */
			dry: { type: 'boolean', default: false },
		},
	});
	const stores = STORES.filter((store) => values.stores.split(',').includes(store));
	const missed: string[] = [];
	const each = async <T>(measure: (store: StoreKind) => Promise<T>) => {
		const all: T[] = [];
		for (const store of stores) all.push(told(await measure(store)));
		return all;
	};
	const parts: Record<string, () => Promise<string>> = {
		parking: async () => {
			const all = await measureParking();
			for (const one of all) told(one);
			missed.push(
				...all.filter(({ toSynced }) => toSynced < AIMS.parking).map((one) => `parking: ${JSON.stringify(one)}`),
			);
			return parkingTable(all);
		},
		load: async () => {
			const all: Load[] = [];
			for (const store of stores) {
				const numbers = store === 'redis' ? values['redis-sessions'] : values.sessions;
				for (const sessions of numbers.split(',').map(Number)) all.push(await measureLoad(store, sessions));
			}
			for (const { store, sessions, errors } of all)
				if (errors.length > 0) missed.push(`load, ${store}, ${sessions}: ${errors.length} errors, first ${errors[0]}`);
			for (const store of stores) {
				const peaks = all.filter((one) => one.store === store).map(({ peak }) => peak);
				const [few = 0, many = 0] = [peaks[0], peaks.at(-1)];
				if (many > few * AIMS.memory) missed.push(`memory, ${store}: ${megabytes(few)} → ${megabytes(many)}`);
			}
			return loadTables(all);
		},
		polls: async () => {
			const all = await each((store) => measurePolls(store, Number(values.polls)));
			missed.push(...all.filter(({ reads }) => reads > NOTHING).map((one) => `polls: ${JSON.stringify(one)}`));
			return pollsTable(all);
		},
		slow: async () => {
			const all = await each((store) => measureSlow(store, Number(values.slow)));
			for (const one of all) {
				if (one.p99[1] > one.p99[0] * AIMS.slow)
					missed.push(`slow, ${one.store}: p99 ${one.p99.map(Math.round).join(' → ')} ms`);
				if (one.errors.length > 0)
					missed.push(`slow, ${one.store}: ${one.errors.length} errors, first ${one.errors[0]}`);
			}
			return slowTable(all);
		},
		kill: async () => {
			const all = await each((store) => measureKills(store, Number(values.kills)));
			missed.push(
				...all
					.filter((one) => one.lost + one.half + one.orphans > 0 || one.inTheMiddle < one.kills * AIMS.hit)
					.map((one) => `kill: ${JSON.stringify(one)}`),
			);
			return killTable(all);
		},
		faults: async () => {
			const all: Fault[] = [];
			for (const store of stores) all.push(told(await finalises(store, 100)), told(await clockMoved(store)));
			if (stores.includes('redis')) all.push(told(await replicaKilled(20)), told(await redisRestarted(10)));
			missed.push(...all.filter(({ ok }) => !ok).map((one) => `fault: ${JSON.stringify(one)}`));
			return faultTable(all);
		},
	};
	for (const part of values.parts.split(',').filter(Boolean)) {
		const started = Date.now();
		const measure = parts[part];
		if (!measure) throw new Error(`no part ${part}`);
		// What fails is told at the end; the other parts have their numbers.
		const numbers = await measure().catch((error: unknown) => {
			missed.push(`${part}: ${error instanceof Error ? error.stack : error}`);
		});
		if (numbers === undefined) continue;
		const report = `${machine(null, started)}\n\n${numbers}`;
		console.log(`\n${report}\n`);
		if (!values.dry) await measured(`relay ${part}`, report);
	}
	for (const aim of missed) console.error(`✗ ${aim}`);
	return missed.length > 0 ? 1 : 0;
}

/** Something to look at meanwhile. */
function told<T>(result: T): T {
	console.error(JSON.stringify(result));
	return result;
}

const megabytes = (octets: number) => `${Math.round(octets / 1e6)} MB`;
const milliseconds = (ms: number) => `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;

function parkingTable(all: Parking[]): string {
	const header = ['at a time', 'relay', 'bare server, synced', 'ratio', 'bare server, not synced', 'ratio'];
	const rate = (octets: number) => `${Math.round(octets / 1e6)} MB/s`;
	const rows = all.map(({ lanes, relay, synced, unsynced, toSynced, toUnsynced }) => [
		String(lanes),
		rate(relay),
		rate(synced),
		toSynced.toFixed(2),
		rate(unsynced),
		toUnsynced.toFixed(2),
	]);
	return table(header, rows);
}

function loadTables(all: Load[]): string {
	const header = ['store', 'sessions', 'errors', 'time', 'in and out', 'memory before', 'at most', '3 s after'];
	const rows = all.map(({ store, sessions, errors, seconds, idle, peak, after }) => [
		store,
		String(sessions),
		String(errors.length),
		`${seconds.toFixed(1)} s`,
		`${Math.round((2 * 5 * 1.048576 * sessions) / seconds)} MB/s`,
		...[idle, peak, after].map(megabytes),
	]);
	const routes = [...new Set(all.flatMap(({ latencies }) => latencies.routes()))].sort();
	const columns = all.map(({ store, sessions }) => `${store}, ${sessions}`);
	const byRoute = routes.map((route) => [
		route,
		...all.map(({ latencies }) => {
			const { p50, p99 } = latencies.of(route);
			return `${milliseconds(p50)} / ${milliseconds(p99)}`;
		}),
	]);
	return `${table(header, rows)}\n\nFrom sending a call to the end of its answer, p50 / p99:\n\n${table(['route', ...columns], byRoute)}`;
}

function pollsTable(all: Polls[]): string {
	const header = ['store', 'polls', 'reads in 10 s', 'CPU in 10 s', 'manifests sent and all woken'];
	const rows = all.map(({ store, polls, reads, cpu, wake }) => [
		store,
		String(polls),
		String(reads),
		`${cpu.toFixed(2)} s`,
		milliseconds(wake),
	]);
	return table(header, rows);
}

function slowTable(all: Slow[]): string {
	const header = [
		'store',
		'slow clients',
		'connected to the end',
		'p50 without',
		'with',
		'p99 without',
		'with',
		'ratio',
		'errors',
	];
	const rows = all.map(({ store, clients, connected, p50, p99, errors }) => [
		store,
		String(clients),
		String(connected),
		...p50.map(milliseconds),
		...p99.map(milliseconds),
		(p99[1] / p99[0]).toFixed(2),
		String(errors.length),
	]);
	return table(header, rows);
}

function killTable(all: Kills[]): string {
	const header = ['store', 'kills', 'during an upload', 'parts acknowledged', 'lost', 'half there', 'orphans'];
	const rows = all.map((one) => [
		one.store,
		...[one.kills, one.inTheMiddle, one.acknowledged, one.lost, one.half, one.orphans].map(String),
	]);
	return table(header, rows);
}

function faultTable(all: Fault[]): string {
	return table(
		['what', 'store', 'what came of it'],
		all.map(({ what, store, came }) => [what, store, came]),
	);
}
