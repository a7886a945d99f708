/**
 * Servers that fail, stall, loop, lie and flood: the rest of the record arrives, and what is missing is said, to the agent
 * in the manifest and in the stream, and to the person by kind of data.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { JobView } from '../../../sw/contract.js';
import type { FaultAction, FaultMatch } from '../../sandbox/faults.js';
import { type Sandbox, startSandbox } from '../../sandbox/server.js';
import { systems } from '../../sandbox/systems.js';
import { loopback, ORIGIN, sent } from '../setup.js';
import { hurry } from './clock.js';
import { essence, expectWhole, truth } from './truth.js';
import { load, runToEnd, session, signIn } from './world.js';

// Much is moved here; a machine that is busy otherwise takes its time.
vi.setConfig({ testTimeout: 90_000 });

let sandbox: Sandbox;
beforeAll(async () => {
	const harbor = systems.find(({ id }) => id === 'harbor')!;
	// Pages small enough that every kind has some.
	const small = { ...harbor, fhir: { ...harbor.fhir, maxPageSize: 5 } };
	sandbox = await startSandbox({ faults: true, appOrigins: [ORIGIN], recordBytes: 150_000, systems: [small] });
});
afterAll(() => sandbox.close());
beforeEach(() => sandbox.faults.reset());

const harbor = () => sandbox.faults.counts('harbor');

type Faults = [match: Partial<FaultMatch>, action: FaultAction][];

/** The record, from a server with these faults, on its way to a real agent. Time runs fast; less so where much is moved. */
async function begin(faults: Faults, speed = faults.some(([, { flood }]) => flood) ? 5 : 40) {
	hurry(speed);
	// A token that was not refreshed just now: a 401 may be its fault.
	const lastRefreshedAt = Date.now() - 10 * 60_000;
	const { scope } = await signIn(sandbox, 'harbor', { lastRefreshedAt });
	const at = await session(sandbox);
	const worker = await load();
	const { id } = await worker.startSend(at.sid, ['harbor'], 'keep');
	sandbox.faults.reset();
	for (const [match, action] of faults) sandbox.faults.add({ match: { endpoint: 'fhir', ...match }, action });
	return { ...at, worker, id, wanted: truth(sandbox, { system: 'harbor', username: 'camila', scope }) };
}

/** As a page does, also after what passes by itself. */
async function toEnd(worker: Awaited<ReturnType<typeof load>>, id: string): Promise<JobView> {
	for (;;) {
		const job = await runToEnd(worker, id);
		if (job.status !== 'waiting') return job;
		await new Promise((resolve) => setTimeout(resolve, 500));
	}
}

async function deliver(faults: Faults, speed?: number) {
	const { worker, id, wanted, receive } = await begin(faults, speed);
	const job = await toEnd(worker, id);
	expect(job).toMatchObject({ status: 'done', error: null });
	const got = await receive();
	expect(got.repeated).toEqual([]);
	const lines = [...got.lines];
	const kind = (type: string) => job.sources[0]?.kinds.find((one) => one.type === type);
	/** What the stream itself says of a kind that could not be read. */
	const told = (type: string) =>
		lines.filter(([, line]) => line.startsWith('{"resourceType":"OperationOutcome"') && line.includes(`"${type}?`));
	const failed = (type: string) =>
		(got.index.sources[0]?.failed ?? []).filter(({ query }) => query.split(/[?/]/)[0] === type);
	const count = (type: string) => lines.filter(([key]) => key.includes(` ${type}/`)).length;
	return { job, wanted, ...got, kind, told, failed, count };
}

type Delivered = Awaited<ReturnType<typeof deliver>>;

/** All but these kinds is there, octet for octet, and nothing is said against it. */
function expectRest({ lines, wanted, index }: Delivered, ...types: string[]): void {
	const others = <T>(all: Map<string, T>) =>
		new Map([...all].filter(([key]) => !types.some((type) => key.split(' ').at(-1)?.startsWith(`${type}/`))));
	expectWhole(others(lines), others(wanted));
	const blamed = new Set(index.sources[0]?.failed.map(({ query }) => query.split(/[?/]/)[0] ?? ''));
	expect([...blamed].filter((type) => !types.includes(type))).toEqual([]);
}

const HELD = (wanted: Map<string, string>, type: string) =>
	[...wanted.keys()].filter((name) => name.startsWith(`${type}/`)).length;

describe('what is worth another try loses nothing', () => {
	const once: [string, FaultAction][] = [
		['429 with the seconds to wait', { status: 429, retryAfter: { seconds: 2 } }],
		['429 with the date until which to wait', { status: 429, retryAfter: { seconds: 2, as: 'date' } }],
		['429 without a word', { status: 429 }],
		['500', { status: 500 }],
		['502', { status: 502, html: true }],
		['503', { status: 503 }],
		['no answer at all', { reset: true }],
		['an answer that breaks off', { cut: true }],
	];
	test.each(once)('%s, once, at every kind of data', async (_, action) => {
		const types = ['Condition', 'Patient', 'Practitioner', 'Binary', 'Observation'];
		const all = await deliver(types.map((type) => [{ type, times: 1 }, action]));
		expectRest(all);
		for (const type of types) expect(all.kind(type)?.status, type).toBe('ok');
	});

	test.each([2, 3, 4])('a storm of 429, 500, 502 and 503 now and then (seed %i)', async (seed) => {
		const all = await deliver([
			[
				{ share: 0.08, seed },
				{ status: 429, retryAfter: { seconds: 1 } },
			],
			[{ share: 0.03, seed: seed + 10 }, { status: 500 }],
			[{ share: 0.03, seed: seed + 20 }, { status: 502 }],
			[
				{ share: 0.03, seed: seed + 30 },
				{ status: 503, retryAfter: { seconds: 1, as: 'date' } },
			],
		]);
		expectRest(all);
	});

	test('one 500 after being told to wait twice', async () => {
		const type = 'Condition';
		const all = await deliver([
			[
				{ type, times: 2 },
				{ status: 429, retryAfter: { seconds: 1 } },
			],
			[{ type, nth: 3 }, { status: 500 }],
		]);
		expectRest(all);
	});

	test('429 for everything for a while', async () => {
		const all = await deliver([[{ forMs: 5000 }, { status: 429, retryAfter: { seconds: 3 } }]]);
		expectRest(all);
	});

	test('a 401 in the middle of a run is met with one refresh for all', async () => {
		const all = await deliver([[{ nth: 25 }, { expireAccess: true }]]);
		expectRest(all);
		expect(harbor().refreshes).toBe(1);
	});
});

test.each(['seconds', 'date'] as const)('Retry-After in %s is waited out, by other queries too', async (as) => {
	const times = 2;
	const busy = { status: 429, retryAfter: { seconds: 20, as } };
	const { worker, id, state } = await begin([[{ type: 'Condition', times }, busy]]);
	const ehr = loopback(sandbox.origin);
	let quietUntil = 0;
	let [storms, others] = [0, 0];
	const early: string[] = [];
	state.odd = async (request) => {
		if (request.url.startsWith(ORIGIN)) return undefined;
		if (Date.now() < quietUntil) {
			if (request.url.includes('/Condition?')) early.push(request.url);
			else others++;
		}
		const response = await ehr(request);
		const wait = response.headers.get('Retry-After');
		if (response.status === 429 && wait) {
			storms++;
			quietUntil = /^\d+$/.test(wait) ? Date.now() + Number(wait) * 1000 : Date.parse(wait);
			// The second that a number may be short by, as it was said before it was read.
			quietUntil -= 1000;
		}
		return response;
	};
	expect(await toEnd(worker, id)).toMatchObject({ status: 'done' });
	expect(storms).toBe(times);
	expect(early).toEqual([]);
	// What was sent off before the answer was read, and nothing after it.
	expect(others).toBeLessThan(times * 12);
});

describe('a kind that cannot be read is said so, with why, and the rest arrives:', () => {
	const lasting: [string, FaultAction, string | RegExp, 'failed' | 'refused'][] = [
		['500 for ever', { status: 500 }, 'http_500', 'failed'],
		['429 for ever', { status: 429 }, 'http_429', 'failed'],
		['403', { status: 403 }, 'http_403', 'refused'],
		['404', { status: 404, html: true }, 'http_404', 'refused'],
		['connections that break for ever', { cut: true }, 'network', 'failed'],
		['a web page with 200', { html: true }, 'not_json', 'failed'],
		['half a JSON', { truncate: true }, 'not_json', 'failed'],
		['JSON that is no Bundle', { body: '{"resourceType":"Patient","id":"x"}' }, /^not_a/, 'failed'],
		['JSON that is a list', { body: '[]' }, /^not_/, 'failed'],
		['nothing', { body: '' }, 'not_json', 'failed'],
		['another patient’s resources only', { reassign: true }, 'other_patient', 'failed'],
		['three gigabytes', { flood: { octets: 3 * 2 ** 30 } }, 'too_large', 'failed'],
		['three gigabytes, unannounced', { flood: { octets: 3 * 2 ** 30, as: 'chunked' } }, 'too_large', 'failed'],
		['a gzip bomb', { flood: { octets: 3 * 2 ** 30, as: 'gzip' } }, 'too_large', 'failed'],
	];
	test.each(lasting)('%s', async (_, action, reason, status) => {
		// The bomb where one could ask in pieces, which would be no smaller.
		const type = !action.flood ? 'AllergyIntolerance' : action.flood.as === 'gzip' ? 'Immunization' : 'RelatedPerson';
		const all = await deliver([[{ type }, action]]);
		expectRest(all, type);
		expect(all.count(type)).toBe(0);
		expect(all.kind(type)).toMatchObject({ status, count: 0 });
		expect(all.failed(type).length).toBeGreaterThan(0);
		for (const one of all.failed(type)) {
			expect(one.status).toBe(status);
			expect(one.reason).toMatch(reason);
		}
		expect(all.told(type).length).toBe(all.failed(type).length);
		if (action.flood) expect(harbor().types[type]).toBe(3);
	});

	test('an answer that trickles', async () => {
		const all = await deliver([[{ type: 'AllergyIntolerance' }, { trickleMs: 1000 }]], 100);
		expectRest(all, 'AllergyIntolerance');
		expect(all.kind('AllergyIntolerance')).toMatchObject({ status: 'failed', count: 0 });
		expect(all.failed('AllergyIntolerance')).toMatchObject([{ reason: 'timeout', count: 0 }]);
	});

	test('somebody else’s resource among one’s own', async () => {
		const all = await deliver([[{ type: 'Condition' }, { foreignPatient: true }]]);
		expectRest(all, 'Condition');
		expect(all.count('Condition')).toBe(HELD(all.wanted, 'Condition'));
		expect(all.kind('Condition')).toMatchObject({ status: 'partial' });
		expect(all.failed('Condition').map(({ reason }) => reason)).toContain('other_patient');
		expect([...all.lines.keys()].filter((key) => key.endsWith('/foreign-1'))).toEqual([]);
	});
});

describe('links that lead nowhere end at what was read:', () => {
	const broken: [NonNullable<FaultAction['next']>, string | RegExp][] = [
		['gone', 'http_404'],
		['elsewhere', /next_other_origin|next_invalid/],
		['invalid', /next_other_origin|next_invalid/],
		['self', 'next_loop'],
		['round', /next_loop|page_repeated/],
		['again', /page_repeated|next_loop/],
		['empty', 'too_many_pages'],
	];
	test.each(broken)('%s', async (next, reason) => {
		const all = await deliver([[{ type: 'Observation' }, { next }]]);
		const held = HELD(all.wanted, 'Observation');
		const count = all.count('Observation');
		expect(held).toBeGreaterThan(5);
		// By a circle everything was read before it closed; by the others the first page, but an empty one.
		expect(count).toBe({ round: held, empty: 0 }[next as string] ?? 5);
		expect(all.kind('Observation')?.count).toBe(count);
		expect(all.kind('Observation')?.status).toMatch(count > 0 ? /^partial$/ : /^failed$/);
		expect(all.failed('Observation')).toHaveLength(1);
		expect(all.failed('Observation')[0]?.reason).toMatch(reason);
		expect(all.failed('Observation')[0]?.count).toBe(count);
		expect(all.told('Observation')).toHaveLength(1);
		// No token went to another origin, nor did anything else.
		expect(sent.filter(({ url }) => new URL(url).hostname !== 'localhost')).toEqual([]);
		expectWhole(
			new Map([...all.lines].filter(([key]) => !key.includes(' Observation/'))),
			new Map([...all.wanted].filter(([name]) => !name.startsWith('Observation/'))),
			// What only the observations that were not read refer to.
			[...all.wanted.keys()].filter((name) => /^(Device|Specimen|Practitioner)/.test(name)),
		);
	});
});

test('a Patient that is answered with something else is not an empty one, and that is not kept', async () => {
	const all = await deliver([[{ type: 'Patient' }, { body: '{"resourceType":"Basic","id":"b"}' }]]);
	expectRest(all, 'Patient');
	expect(all.kind('Patient')).toMatchObject({ status: 'failed', count: 0 });
});

describe('what a record refers to', () => {
	test('is not taken from another patient, read one by one or in a batch', async () => {
		const all = await deliver([[{ type: 'Practitioner' }, { reassign: true }]]);
		expect(all.count('Practitioner')).toBe(0);
		expectRest(all, 'Practitioner');
		expect(all.failed('Practitioner').length).toBeGreaterThan(0);
		for (const { reason } of all.failed('Practitioner')) expect(reason).toBe('other_patient');
		expect(all.kind('Practitioner')?.status).toBe('failed');
	});

	test('is read one by one where the batch fails', async () => {
		const all = await deliver([[{ type: 'Practitioner', url: '_id=' }, { status: 400 }]]);
		expectRest(all);
	});
});

describe('documents', () => {
	const large: ['length' | 'chunked' | 'gzip', number][] = [
		['length', 3 * 2 ** 30],
		['chunked', 3 * 2 ** 30],
		['gzip', 3 * 2 ** 30],
	];
	test.each(large)('of three gigabytes (%s) are left where they are, and never held', async (as, octets) => {
		const before = process.memoryUsage().arrayBuffers;
		let most = 0;
		const watch = setInterval(() => {
			most = Math.max(most, process.memoryUsage().arrayBuffers - before);
		}, 10);
		const all = await deliver([[{ type: 'Binary', nth: 2 }, { flood: { octets, as } }]]).finally(() =>
			clearInterval(watch),
		);
		const missing = [...all.wanted.keys()].filter((name) => name.startsWith('Binary/')).length - all.count('Binary');
		expect(missing).toBe(1);
		expectRest(all, 'Binary');
		for (const [key, line] of all.lines) {
			const name = key.slice(key.indexOf(' ') + 1);
			if (name.startsWith('Binary/')) expect(all.wanted.get(name), name).toBe(essence(line));
		}
		expect(all.failed('Binary')).toMatchObject([{ reason: 'too_large' }]);
		expect(all.kind('Binary')).toMatchObject({ status: 'partial', count: all.count('Binary') });
		expect(most).toBeLessThan(200 * 2 ** 20);
		// Once, and no further than to the cap, but for what a network holds on the way.
		expect(harbor().flooded).toBeLessThan(64 * 2 ** 20);
	});

	test('that fail one after another do not keep the others', async () => {
		const all = await deliver([
			[{ type: 'Binary', nth: 1 }, { status: 404 }],
			[{ type: 'Binary', nth: 2 }, { body: '' }],
			[{ type: 'Binary', nth: 3 }, { status: 503 }],
		]);
		expectRest(all, 'Binary');
		const reasons = all.failed('Binary').map(({ reason }) => reason);
		expect(reasons.sort()).toEqual(['http_404', 'no_content']);
		expect(all.count('Binary')).toBe(HELD(all.wanted, 'Binary') - 2);
	});
});

describe('nothing at all', () => {
	const empty = '{"resourceType":"Bundle","type":"searchset","total":0,"link":[]}';
	const dead: [string, FaultAction][] = [
		['500', { status: 500 }],
		['429', { status: 429 }],
		['403', { status: 403 }],
		['a web page', { html: true }],
		['half of the JSON', { truncate: true }],
		['no FHIR', { body: '{"error":"no"}' }],
	];
	test.each(dead)('(%s) is a failure, never an empty record', async (_, action) => {
		const { worker, id } = await begin([[{}, action]], action.status === 429 ? 150 : 40);
		const job = await toEnd(worker, id);
		expect(job).toMatchObject({
			status: 'failed',
			error: { code: 'nothing_read' },
			sources: [{ step: 'failed', error: { code: 'nothing_read' } }],
		});
		expect(sent.filter(({ method, url }) => method === 'PUT' && url.endsWith('/manifest'))).toEqual([]);
		for (const { status, type } of job.sources[0]?.kinds ?? []) expect(status, type).not.toMatch(/^(ok|empty)$/);
	});

	test('but another patient’s is a failure too, whatever else is empty', async () => {
		const { worker, id } = await begin([
			// What names its patient in another way as well.
			...['Appointment', 'Coverage', 'Provenance'].map((type): Faults[number] => [{ type }, { body: empty }]),
			[{ url: '?patient=' }, { reassign: true }],
		]);
		expect(await toEnd(worker, id)).toMatchObject({ status: 'failed', error: { code: 'nothing_read' } });
	});

	test('an empty record, however, is one: every query was answered', async () => {
		const all = await deliver([
			[{ url: '?patient=' }, { body: empty }],
			[{ url: '?beneficiary=' }, { body: empty }],
		]);
		expect(all.kind('Condition')).toMatchObject({ status: 'empty', count: 0 });
		expect(all.index.sources[0]?.failed).toEqual([]);
		expect([...all.lines.keys()].map((key) => key.split(' ')[1]?.split('/')[0])).toContain('Patient');
	});
});
