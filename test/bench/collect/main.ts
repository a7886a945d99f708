/** The whole bench: options, parts, tables. */
import { parseArgs } from 'node:util';
import { machine } from '../machine.js';
import { measured } from '../readme.js';
import { table } from '../table.js';
import { Browser } from './browser.js';
import { type Lists, measureLists } from './lists.js';
import { type Memory, measureMemory } from './memory.js';
import { NETWORKS, type Network } from './processes.js';
import { profileSend } from './profile.js';
import { staffOf } from './record.js';
import { measureThrift, type Thrift } from './thrift.js';
import { timeline } from './timeline.js';
import { measureTimes, type Times } from './times.js';

/** The record with many practitioners and locations: its size in MB, and how many of the former. */
const MANY = { mb: 20, staff: 500 };

/** Of a profile. */
const MOST_FUNCTIONS = 25;

/** What is aimed at; ratios, octets, milliseconds. */
const AIMS = {
	times: { loopback: 1.5, slow: 1.15 },
	requests: 0.5,
	uploaded: 1.03,
	memory: { mb: 100, over: 80_000_000 },
	lists: 100,
} as const;

/** @returns the exit code: 0 if all aims are met */
export async function main(args: string[]): Promise<number> {
	const { values } = parseArgs({
		args,
		options: {
			runs: { type: 'string', default: '5' },
			/** Of records, in MB. */
			sizes: { type: 'string', default: '1,20,100' },
			networks: { type: 'string', default: 'loopback,slow' },
			parts: { type: 'string', default: 'times,thrift,memory,lists' },
			/** Sizes for which the worker's CPU is profiled. */
			profile: { type: 'string', default: '' },
			/** Sizes for which it is told what happens when, and whose CPU it takes. */
			timeline: { type: 'string', default: '' },
			/** Writes nothing. */
			dry: { type: 'boolean', default: false },
		},
	});
	const runs = Number(values.runs);
	const sizes = values.sizes.split(',').map(Number);
	const networks = values.networks.split(',').filter((name): name is Network => name in NETWORKS);
	const version = await chromiumVersion();
	const missed: string[] = [];
	const parts: Record<string, () => Promise<string>> = {
		times: async () => {
			const all: Times[] = [];
			for (const network of networks)
				for (const mb of sizes) all.push(told(await measureTimes(network, mb, Math.min(runs, mostRuns(network, mb)))));
			missed.push(...all.filter(({ network, ratio }) => ratio > AIMS.times[network]).map(missedTime));
			return timesTable(all);
		},
		thrift: async () => {
			const all: Thrift[] = [];
			for (const mb of sizes) all.push(told(await measureThrift(mb, staffOf(mb))));
			const many = told(await measureThrift(MANY.mb, MANY.staff));
			all.push(many);
			if (requestsRatio(many) > AIMS.requests) missed.push(`requests: ${requestsRatio(many).toFixed(2)}`);
			for (const one of all) {
				const ratio = one.uploaded / one.gzipped;
				if (ratio > AIMS.uploaded) missed.push(`uploaded, ${one.mb} MB: ${ratio.toFixed(3)}`);
			}
			return thriftTable(all);
		},
		memory: async () => {
			const all: Memory[] = [];
			for (const mb of sizes) all.push(told(await measureMemory(mb, runs)));
			const large = all.find(({ mb }) => mb === AIMS.memory.mb);
			if (large && large.over > AIMS.memory.over) missed.push(`memory: ${megabytes(large.over)}`);
			return memoryTable(all);
		},
		lists: async () => {
			const lists = told(await measureLists(runs));
			const slow = [lists.list, lists.open, lists.search].filter((ms) => ms > AIMS.lists);
			if (slow.length) missed.push(`lists: ${slow.map(Math.round).join(', ')} ms`);
			return listsTable(lists);
		},
	};
	for (const mb of values.profile ? values.profile.split(',').map(Number) : [])
		console.log(`${mb} MB: ${await profileSend(mb, MOST_FUNCTIONS)}\n`);
	for (const mb of values.timeline ? values.timeline.split(',').map(Number) : [])
		for (const network of networks) console.log(`${network}, ${mb} MB: ${await timeline(network, mb)}\n`);
	for (const part of values.parts.split(',').filter(Boolean)) {
		const started = Date.now();
		const measure = parts[part];
		if (!measure) throw new Error(`no part ${part}`);
		// What fails is told at the end; the other parts have their numbers.
		const numbers = await measure().catch((error: unknown) => {
			missed.push(`${part}: ${error}`);
		});
		if (numbers === undefined) continue;
		const report = `${machine(version, started).replace(/:$/, `, medians of ${runs}:`)}\n\n${numbers}`;
		console.log(`\n${report}\n`);
		if (!values.dry) await measured(`collect ${part}`, report);
	}
	for (const aim of missed) console.error(`✗ ${aim}`);
	return missed.length > 0 ? 1 : 0;
}

/** A turn of the largest on the slow network takes three minutes. */
function mostRuns(network: Network, mb: number): number {
	return network === 'slow' && mb >= 100 ? 1 : 5;
}

/** Something to look at meanwhile. */
function told<T>(result: T): T {
	console.error(JSON.stringify(result));
	return result;
}

async function chromiumVersion(): Promise<string> {
	const browser = await Browser.launch();
	try {
		return await browser.version();
	} finally {
		await browser.close();
	}
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`;
const megabytes = (octets: number) => `${(octets / 1e6).toFixed(octets < 1e7 ? 1 : 0)} MB`;
const milliseconds = (ms: number) => `${Math.round(ms)} ms`;

function missedTime({ network, mb, ratio }: Times): string {
	return `time, ${network}, ${mb} MB: ${ratio.toFixed(2)} × floor`;
}

function timesTable(all: Times[]): string {
	const header = [
		'network',
		'record',
		'runs',
		'requests',
		'on the wire',
		'send',
		'floor',
		'ratio',
		'of the runs',
		'aim',
		'floor in Node',
	];
	const rows = all.map(({ network, mb, runs, requests, octets, send, floor, node, ratio, range }) => [
		network,
		`${mb} MB`,
		String(runs),
		String(requests),
		megabytes(octets),
		seconds(send),
		seconds(floor),
		ratio.toFixed(2),
		range.map((one) => one.toFixed(2)).join('–'),
		`≤ ${AIMS.times[network]}`,
		node === null ? '' : seconds(node),
	]);
	return table(header, rows);
}

function requestsRatio({ requests, pages, documents, references }: Thrift): number {
	return requests / (pages + documents + references);
}

function thriftTable(all: Thrift[]): string {
	const header = [
		'record',
		'practitioners',
		'requests',
		'pages',
		'documents',
		'references',
		'ratio',
		'uploaded',
		'by gzip',
		'ratio',
	];
	const rows = all.map((one) => [
		`${one.mb} MB`,
		...[one.staff, one.requests, one.pages, one.documents, one.references].map(String),
		requestsRatio(one).toFixed(2),
		megabytes(one.uploaded),
		megabytes(one.gzipped),
		(one.uploaded / one.gzipped).toFixed(3),
	]);
	return table(header, rows);
}

function memoryTable(all: Memory[]): string {
	const header = ['record', 'idle', 'the most over idle', "the browser's other processes, over idle"];
	const rows = all.map(({ mb, idle, over, others }) => [`${mb} MB`, ...[idle, over, others].map(megabytes)]);
	return table(header, rows);
}

function listsTable({ list, open, search, slowest, answer }: Lists): string {
	const header = ['list 50 connections', 'open one', 'search 20,000 providers', "the worker's part"];
	const row = [milliseconds(list), milliseconds(open), `${milliseconds(search)} (“${slowest}”)`, milliseconds(answer)];
	return table(header, [row]);
}
