/** What a server holds is what the agent gets: every resource that the access covers, octet for octet, once. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { relayKeys } from '../../sandbox/client-keys.js';
import { usernameOf } from '../../sandbox/patients/load.js';
import { type Sandbox, startSandbox } from '../../sandbox/server.js';
import { systems } from '../../sandbox/systems.js';
import { killAfter, loopback, ORIGIN } from '../setup.js';
import { hurry } from './clock.js';
import { expectWhole, truth } from './truth.js';
import { load, runToEnd, session, signIn } from './world.js';

const folder = fileURLToPath(new URL('../../../../shared/data/patients/', import.meta.url));
const here = existsSync(folder);
if (!here) console.warn('../shared/data/patients is not here: no real record is sent');
const files = here ? readdirSync(folder).filter((name) => name.endsWith('.json')) : [];

// Much is moved here; a machine that is busy otherwise takes its time.
vi.setConfig({ testTimeout: 90_000 });

let sandbox: Sandbox;
beforeAll(async () => {
	sandbox = await startSandbox({
		...relayKeys,
		faults: true,
		appOrigins: [ORIGIN],
		recordBytes: 200_000,
		...(here ? { data: folder } : {}),
	});
});
afterAll(() => sandbox.close());
beforeEach(() => sandbox.faults.reset());

/** Somebody's record at a system, on its way to a real agent. */
async function begin(system: string, username: string, from = sandbox) {
	const { scope, patientId } = await signIn(from, system, {}, username);
	const at = await session(from);
	const worker = await load();
	const { id } = await worker.startSend(at.sid, [system], 'keep');
	return { ...at, worker, id, patientId, wanted: () => truth(from, { system, username, scope }) };
}

async function deliver(system: string, username: string) {
	const { worker, id, wanted, receive } = await begin(system, username);
	const job = await runToEnd(worker, id);
	expect(job).toMatchObject({ status: 'done', error: null });
	return { job, wanted: wanted(), ...(await receive()) };
}

/** The files' patients, as the sandbox lets them sign in. */
const synthea = files.filter((name) => name !== 'us-core-examples.json').map((name) => usernameOf(name.split('_')[0]!));

describe.skipIf(!here)('a record from Synthea', () => {
	test.each(synthea)('of %s arrives whole', async (username) => {
		const { lines, repeated, wanted, index, job } = await deliver('harbor', username);
		expect(wanted.size).toBe([...sandbox.resources('harbor', username)].length);
		expect(repeated).toEqual([]);
		expect(expectWhole(lines, wanted)).toEqual([]);
		expect(index.sources[0]?.failed).toEqual([]);
		expect(job.sources[0]?.resources).toBe(wanted.size);
	});
});

/** Systems that a browser can connect to. */
const reachable = systems.filter(({ auth, fhir }) => auth.cors && fhir.cors);
/** Those whose FHIR server is like no other before it. */
const unlike = reachable.filter(
	({ fhir }, i) => reachable.findIndex((other) => JSON.stringify(other.fhir) === JSON.stringify(fhir)) === i,
);
/** One that the sandbox makes up, everywhere; the examples of US Core at each kind of server. */
const people = (id: string) => (here && unlike.some((one) => one.id === id) ? ['camila', 'amy'] : ['camila']);

/** A server that wants a category gives out no care plan without one. */
function outOfReach(system: string, wanted: Map<string, string>): string[] {
	const { requires } = systems.find(({ id }) => id === system)!.fhir;
	if (!requires.CarePlan?.anyOf.includes('category')) return [];
	return [...wanted].flatMap(([name, text]) =>
		name.startsWith('CarePlan/') && !text.includes('"category"') ? [name] : [],
	);
}

describe.each(reachable)('$name', ({ id: system, fhir }) => {
	test.each(people(system))('gives out the whole record of %s in its own way', async (username) => {
		const { lines, repeated, wanted, index, job } = await deliver(system, username);
		expect(wanted.size).toBeGreaterThan(50);
		expect(repeated).toEqual([]);
		expectWhole(lines, wanted, outOfReach(system, wanted));
		// What it refuses is the only thing that is told as missing.
		const missing = index.sources[0]?.failed
			// One document of the examples lies at another origin. What is asked in pieces may be refused otherwise.
			.filter(({ query, reason }) => reason !== 'other_origin' && !(query.split('?')[0]! in fhir.requires))
			.map(({ query, status }) => `${status} ${query.split('?')[0]}`);
		expect(missing).toEqual(fhir.refuses.map((type) => `refused ${type}`));
		for (const { type, status } of job.sources[0]?.kinds ?? [])
			if (type in fhir.requires) expect([type, status]).toEqual([type, expect.stringMatching(/^(ok|empty)$/)]);
	});
});

describe('texts stay as the server wrote them', () => {
	/** What a parser or a decoder would change, each as it stands in JSON. */
	const odd = [
		'"🤧 👩🏽‍⚕️ 👨‍👩‍👧 🇵🇹"',
		String.raw`"\ud83e\udd27 escaped, \ud83e alone, \udd27 alone, \u0000 \u2028 \u00e9"`,
		'"\u2028\u2029 \u00a0\ufeff\u200d\u{10ffff}"',
		'"Zoë O’Connor-Núñez, 渡辺 陽翔, Åkerström, مريم, Ελένη"',
		String.raw`"a\/b/c \"]}\" ,{\\"`,
		'1.50',
		'-0.0',
		'1E+2',
		'0.10000000000000000000000000000000001',
		'12345678901234567890',
		'{"resource": {"resourceType":"Patient","id":"inner"} , "entry":[ ]}',
		'[ [ ] ,{ } , "" ]',
	];
	const resource = (patientId: string, id: string, values: string[]) =>
		`{"resourceType":"AllergyIntolerance", "id":"${id}","patient":{"reference":"Patient/${patientId}"},${values
			.map((value, i) => `"x${i}" : ${value}`)
			.join(',')}}`;

	test('numbers, escapes and every script, wherever the network cuts them', async () => {
		const seed = Date.now() % 1_000_000;
		console.log(`seed of the cuts: ${seed}`);
		const { worker, id, patientId, state, receive } = await begin('harbor', 'camila');
		const base = `${sandbox.origin}/harbor/fhir/AllergyIntolerance`;
		const value = fc.oneof(
			fc.constantFrom(...odd),
			fc.string({ unit: 'grapheme' }).map((text) => JSON.stringify(text)),
			fc.string({ unit: 'binary' }).map((text) => JSON.stringify(text)),
			fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
		);
		const page = fc.array(fc.array(value, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 12 });
		const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 });
		const pages = fc.sample(fc.record({ values: page, cuts }), { seed, numRuns: 12 });
		pages[0]!.values.push(odd);
		const texts = pages.map(({ values }, n) => values.map((some, i) => resource(patientId, `a${n}-${i}`, some)));
		state.odd = ({ url }) => {
			if (!url.startsWith(`${base}?`)) return undefined;
			const n = Number(new URL(url).searchParams.get('n') ?? 0);
			const entries = texts[n]!.map((text) => `{"resource":${text}}`).join(', ');
			const next = n + 1 < texts.length ? `{"relation":"next","url":"${base}?n=${n + 1}"}` : '';
			const body = Buffer.from(`{"resourceType":"Bundle","link":[${next}],"entry":[${entries}]}`);
			return new Response(inPieces(body, pages[n]!.cuts), { headers: { 'Content-Type': 'application/fhir+json' } });
		};
		expect(await runToEnd(worker, id)).toMatchObject({ status: 'done' });
		const { lines, repeated } = await receive();
		expect(repeated).toEqual([]);
		const got = [...lines].flatMap(([key, line]) => (key.includes(' AllergyIntolerance/') ? line : []));
		expect(got.sort()).toEqual(texts.flat().sort());
	});

	/** The body in pieces of these sizes, over and over. */
	function inPieces(body: Uint8Array, sizes: number[]): ReadableStream<Uint8Array> {
		let [at, turn] = [0, 0];
		return new ReadableStream({
			pull(controller) {
				if (at >= body.length) return controller.close();
				const size = sizes[turn++ % sizes.length] ?? 1;
				controller.enqueue(body.slice(at, at + size));
				at += size;
			},
		});
	}
});

describe('a worker that dies ten times', () => {
	let large: Sandbox;
	beforeAll(async () => {
		const harbor = systems.find(({ id }) => id === 'harbor')!;
		// Small pages, so that there is much to die between; large enough for several parts.
		const slow = { ...harbor, fhir: { ...harbor.fhir, maxPageSize: 20 } };
		large = await startSandbox({ appOrigins: [ORIGIN], recordBytes: 9_000_000, systems: [slow] });
		[...large.resources('harbor', 'zoe')].length;
	});
	afterAll(() => large.close());

	const put = IDBObjectStore.prototype.put;
	afterEach(() => {
		IDBObjectStore.prototype.put = put;
	});

	test('at moments of no one’s choosing delivers the whole record, and does nothing twice that was kept', async () => {
		const seed = Date.now() % 1_000_000;
		console.log(`seed of the deaths: ${seed}`);
		// A checkpoint that comes each second comes often.
		hurry(40);
		// Each long enough for something to be stored, all together too short for the end.
		const lives = fc.sample(fc.noBias(fc.integer({ min: 17, max: 38 })), { seed, numRuns: 10 });
		const { wanted, receive, state, relay, id } = await begin('harbor', 'zoe', large);
		let stored = 0;
		let taken = new Map<string, number>();
		/** The page whose `next` an address is. */
		const before = new Map<string, string>();
		const kept = new Set<string>();
		const fetchedAgain: string[] = [];
		const uploads = new Map<string, Set<string>>();
		const ehr = loopback(large.origin);
		let life = 0;
		IDBObjectStore.prototype.put = function (...given) {
			const writer = life;
			if (Array.isArray(given[1]) && given[1][0] === 'job')
				this.transaction.addEventListener('complete', () => {
					// What the dead had begun to write holds nothing of what the living have taken in.
					if (writer === life) stored++;
				});
			return put.apply(this, given);
		};
		state.odd = async (request) => {
			const { url, method } = request;
			if (url.startsWith(ORIGIN)) {
				if (method !== 'PUT') return undefined;
				const digest = createHash('sha256')
					.update(Buffer.from(await request.clone().arrayBuffer()))
					.digest('hex');
				uploads.set(url, (uploads.get(url) ?? new Set()).add(digest));
				return relay.respond(request);
			}
			const asker = life;
			// Whoever asks for the next page has taken this one in.
			const page = before.get(url);
			if (page) taken.set(page, stored);
			if (kept.has(url)) fetchedAgain.push(url);
			const response = await ehr(request);
			// As far away as a server is, so that checkpoints fall in between.
			await new Promise((resolve) => setTimeout(resolve, 1000));
			// The dead get no answer: what they would ask for next is nothing that the living have taken in.
			if (asker !== life) return new Promise(() => {});
			const body = Buffer.from(await response.arrayBuffer());
			const next = /"relation":"next","url":"([^"]*)"/.exec(body.subarray(0, 4000).toString())?.[1];
			if (next) before.set(next, url);
			return new Response(body, { status: response.status, headers: response.headers });
		};
		for (const operations of lives) {
			const worker = await load();
			const dead = killAfter(operations);
			const run = runToEnd(worker, id);
			run.catch(() => {});
			expect(await Promise.race([dead, run])).toBe('dead');
			// A dead worker asks for nothing more.
			worker.stopAll();
			// The second checkpoint began after the first one's end, and so holds what was taken in before that.
			for (const [url, then] of taken) if (stored - then >= 2) kept.add(url);
			[taken, stored] = [new Map(), 0];
			life++;
		}
		killAfter(Number.POSITIVE_INFINITY);
		expect(await runToEnd(await load(), id)).toMatchObject({ status: 'done', error: null });
		expect(kept.size).toBeGreaterThan(0);
		expect(fetchedAgain).toEqual([]);
		expect([...uploads.keys()].filter((url) => /\/blobs\//.test(url)).length).toBeGreaterThan(1);
		for (const [url, contents] of uploads) expect([url, contents.size]).toEqual([url, 1]);
		const { lines, repeated } = await receive();
		expect(repeated).toEqual([]);
		expect(expectWhole(lines, wanted())).toEqual([]);
	});
});
