/** What happens to sessions when something beside them fails: one line each, and what was expected of it. */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Latencies } from './latencies.js';
import { whole } from './load.js';
import { expectStatus, jwe, Party, parcel } from './party.js';
import { RedisProcess, RelayProcess, type StoreKind, Work } from './processes.js';

export interface Fault {
	what: string;
	store: string;
	/** In words, with its numbers. */
	came: string;
	ok: boolean;
}

const PART = 256 * 1024;
/** A call that is refused for so long is not repeated any more. */
const PATIENCE_MS = 10_000;

/** Of many manifests at once, all different, one is the session's. */
export async function finalises(store: StoreKind, many: number): Promise<Fault> {
	return withWork(async (work) => {
		const redis = store === 'redis' ? await RedisProcess.start(work) : null;
		const where = redis ? { url: redis.url } : { dir: `${work.dir}/data` };
		const relays = [await RelayProcess.start(work, where), ...(redis ? [await RelayProcess.start(work, where)] : [])];
		let made = 0;
		let refused = 0;
		const rounds = 20;
		for (let round = 0; round < rounds; round++) {
			const party = await claimed(relays[0] as RelayProcess);
			const answers = await Promise.all(
				Array.from({ length: many }, (_, i) => {
					party.client = (relays[i % relays.length] as RelayProcess).client;
					return party.send(jwe());
				}),
			);
			made += answers.filter(({ status }) => status === 201).length;
			refused += answers.filter(({ status }) => status === 409).length;
		}
		return {
			what: `${many} different manifests at once, ${rounds} times`,
			store: relays.length > 1 ? `${store}, two relays` : store,
			came: `${made} × 201, ${refused} × 409`,
			ok: made === rounds && refused === rounds * (many - 1),
		};
	});
}

/** The relay that takes an upload dies in the middle of it; the other one goes on with the session. */
export async function replicaKilled(rounds: number): Promise<Fault> {
	return withWork(async (work) => {
		const redis = await RedisProcess.start(work);
		const one = await RelayProcess.start(work, { url: redis.url });
		const other = await RelayProcess.start(work, { url: redis.url });
		const octets = parcel(4 * 1024 * 1024);
		let died = 0;
		let whole = 0;
		for (let round = 0; round < rounds; round++) {
			const party = await claimed(one);
			expectStatus('PUT part', await party.put(0, octets), 201);
			party.client = other.client;
			const waiting = party.wait(25);
			party.client = one.client;
			const upload = party.put(1, octets).then(
				({ status }) => status,
				() => 0,
			);
			await new Promise((resolve) => setTimeout(resolve, Math.random() * 25));
			await one.kill();
			if ((await upload) === 0) died++;
			party.client = other.client;
			expectStatus('PUT part, repeated through the other', await party.put(1, octets), 201, 200);
			expectStatus('PUT manifest', await party.send(), 201);
			for (let answer = await waiting; answer.status === 204; ) answer = await party.wait(25);
			const parts = await Promise.all([party.get(0), party.get(1)]);
			if (parts.every(({ body }) => body.equals(octets.octets))) whole++;
			expectStatus('DELETE session', await party.end(), 204);
			await one.start();
		}
		return {
			what: `one of two relays killed during an upload, ${rounds} times`,
			store: 'redis',
			came: `${died} uploads broke off; ${whole} of ${rounds} sessions delivered whole through the other`,
			ok: whole === rounds && died >= rounds / 4,
		};
	});
}

/** Redis is killed and started again while sessions are filled. */
export async function redisRestarted(rounds: number): Promise<Fault> {
	return withWork(async (work) => {
		const redis = await RedisProcess.start(work);
		const relay = await RelayProcess.start(work, { url: redis.url });
		const octets = parcel(PART);
		let refused = 0;
		let delivered = 0;
		let others = 0;
		for (let round = 0; round < rounds; round++) {
			const party = await claimed(relay);
			let ended = false;
			const acknowledged: number[] = [];
			const filling = (async () => {
				for (let n = 0; !ended; n++) {
					for (const begun = performance.now(); performance.now() - begun < PATIENCE_MS; ) {
						const { status } = await party.put(n, octets);
						if (status === 201 || status === 200) {
							acknowledged.push(n);
							break;
						}
						if (status === 503) refused++;
						else others++;
						await new Promise((resolve) => setTimeout(resolve, 50));
					}
				}
			})();
			await new Promise((resolve) => setTimeout(resolve, 100 + Math.random() * 200));
			await redis.kill();
			await new Promise((resolve) => setTimeout(resolve, 300));
			await redis.start();
			await new Promise((resolve) => setTimeout(resolve, 500));
			ended = true;
			await filling;
			expectStatus('PUT manifest', await party.send(), 201);
			let whole = true;
			// One after the other: a session has so many downloads at a time.
			for (const n of acknowledged) {
				const { status, body } = await party.get(n);
				whole &&= status === 200 && body.equals(octets.octets);
			}
			if (whole) delivered++;
			expectStatus('DELETE session', await party.end(), 204);
		}
		return {
			what: `Redis killed and started again while parts arrive, ${rounds} times`,
			store: 'redis, appendfsync always',
			came: `${refused} calls refused with 503, ${others} with anything else; ${delivered} of ${rounds} sessions have every acknowledged part`,
			ok: delivered === rounds && others === 0,
		};
	});
}

const MINUTE = 60;

/** The wall clock of the relay's machine is put forward, then back. */
export async function clockMoved(store: StoreKind): Promise<Fault> {
	return withWork(async (work) => {
		const redis = store === 'redis' ? await RedisProcess.start(work) : null;
		const file = `${work.dir}/clock`;
		await writeFile(file, '0');
		const relay = await RelayProcess.start(
			work,
			redis ? { url: redis.url } : { dir: `${work.dir}/data` },
			{ BENCH_CLOCK: file },
			[fileURLToPath(new URL('clock.mjs', import.meta.url))],
		);
		const move = async (seconds: number) => {
			await writeFile(file, String(seconds));
			await new Promise((resolve) => setTimeout(resolve, 300));
		};
		const told: string[] = [];
		let ok = true;
		const expect = (what: string, is: number, wanted: number) => {
			told.push(`${what} ${is}`);
			ok &&= is === wanted;
		};
		const parcels = [parcel(PART)];
		for (const minutes of [10, -10]) {
			await move(0);
			// The one ends in five minutes, the other in half an hour.
			const [short, long] = [new Party(relay.client), new Party(relay.client)];
			expectStatus('PUT session', await short.create(5 * MINUTE), 201);
			expectStatus('PUT session', await long.create(30 * MINUTE), 201);
			await move(minutes * MINUTE);
			const way = minutes > 0 ? 'forward' : 'back';
			expect(`${way}: a session of 30 min`, (await long.info()).status, 200);
			// By a clock that went ten minutes on, five minutes are over; by one that went back, they are not.
			expect('one of 5 min', (await short.info()).status, minutes > 0 ? 410 : 200);
			await whole(relay.client, parcels, new Latencies());
			await move(0);
			// What was over stays over.
			expect('after the way back', (await short.info()).status, minutes > 0 ? 410 : 200);
		}
		const last = new Party(relay.client);
		expectStatus('PUT session', await last.create(2), 201);
		await move(-10 * MINUTE);
		await new Promise((resolve) => setTimeout(resolve, 2500));
		expect('2 s later by a clock ten minutes back, a session of 2 s', (await last.info()).status, 410);
		await relay.kill();
		await relay.start();
		expect('and after a restart', (await last.info()).status, 410);
		return { what: 'clock moved by ±10 minutes', store, came: told.join(', '), ok };
	});
}

async function claimed({ client }: RelayProcess): Promise<Party> {
	const party = new Party(client);
	expectStatus('PUT session', await party.create(), 201);
	expectStatus('POST claim', await party.claim(), 200);
	return party;
}

async function withWork<T>(task: (work: Work) => Promise<T>): Promise<T> {
	const work = await Work.begin();
	try {
		return await task(work);
	} finally {
		await work.end();
	}
}
