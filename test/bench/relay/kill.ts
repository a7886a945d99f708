/** `kill -9` at a random moment of an upload, again and again on one store: what was acknowledged is there, and nothing is half there. */
import type { BlobList } from '../../../relay/contract.js';
import { expectStatus, type Parcel, Party, parcel, sha256 } from './party.js';
import {
	dataDir,
	filesBelow,
	type RedisProcess,
	type RelayProcess,
	type StoreKind,
	startOn,
	Work,
} from './processes.js';

const PART_BYTES = 1024 * 1024;
/** Uploads at a time, so that there is always one in the middle. */
const UPLOADS = 4;
/** Parts of one session, of at most 512 MB. */
const PARTS_PER_SESSION = 400;
/** A kill comes so long, at most, after the uploads of its round began. */
const MOST_MS = 120;

export interface Kills {
	store: StoreKind;
	kills: number;
	/** Kills that came while an upload was under way. */
	inTheMiddle: number;
	acknowledged: number;
	/** Acknowledged and not there, or with other octets, after the restart. */
	lost: number;
	/** Listed, with other octets or another length than was sent. */
	half: number;
	/** Files, or keys of Redis with octets, that are left once everything has ended. */
	orphans: number;
}

export async function measureKills(store: StoreKind, kills: number): Promise<Kills> {
	const work = await Work.begin();
	try {
		const { relay, redis } = await startOn(work, store);
		const result: Kills = { store, kills, inTheMiddle: 0, acknowledged: 0, lost: 0, half: 0, orphans: 0 };
		let session = await Filled.begin(relay);
		for (let round = 0; round < kills; round++) {
			if (session.next > PARTS_PER_SESSION) {
				await session.end(result);
				session = await Filled.begin(relay);
			}
			const inTheMiddle = await session.fillUntil(async () => {
				await new Promise((resolve) => setTimeout(resolve, Math.random() * MOST_MS));
				await relay.kill();
			}, UPLOADS);
			if (inTheMiddle) result.inTheMiddle++;
			await relay.start();
			session.through(relay);
			await session.compare(result);
		}
		await session.end(result);
		result.orphans = await orphans(redis, dataDir(work));
		return result;
	} finally {
		await work.end();
	}
}

/** A session that is filled while its relay dies. */
class Filled {
	/** The number of the next part. */
	next = 0;
	readonly #sent = new Map<number, Parcel>();
	readonly #acknowledged = new Set<number>();

	private constructor(private readonly party: Party) {}

	static async begin(relay: RelayProcess): Promise<Filled> {
		const party = new Party(relay.client);
		expectStatus('PUT session', await party.create(), 201);
		expectStatus('POST claim', await party.claim(), 200);
		return new Filled(party);
	}

	through({ client }: RelayProcess): void {
		this.party.client = client;
	}

	/** @returns whether an upload was under way at the end */
	async fillUntil(end: () => Promise<void>, uploads: number): Promise<boolean> {
		let ended = false;
		let underWay = 0;
		let inTheMiddle = false;
		const lanes = Array.from({ length: uploads }, async () => {
			while (!ended) {
				const n = this.next++;
				const one = parcel(PART_BYTES);
				this.#sent.set(n, one);
				underWay++;
				try {
					const { status } = await this.party.put(n, one);
					if (status === 201) this.#acknowledged.add(n);
				} catch {
					// Killed: it may be there or not, but as a whole.
				} finally {
					underWay--;
				}
			}
		});
		await end().finally(() => {
			inTheMiddle = underWay > 0;
			ended = true;
		});
		await Promise.all(lanes);
		return inTheMiddle;
	}

	async compare(result: Kills): Promise<void> {
		const listed = await this.#listed();
		for (const n of this.#acknowledged) if (!listed.has(n)) result.lost++;
		for (const [n, bytes] of listed) {
			const sent = this.#sent.get(n);
			// A part that was looked at after an earlier kill is not fetched again.
			if (!sent) continue;
			const { status, body } = await this.party.get(n);
			const same = status === 200 && bytes === body.length && sha256(body) === sent.digest;
			if (!same) result[this.#acknowledged.has(n) ? 'lost' : 'half']++;
			this.#sent.delete(n);
		}
		this.#sent.clear();
	}

	async end(result: Kills): Promise<void> {
		result.acknowledged += this.#acknowledged.size;
		expectStatus('DELETE session', await this.party.end(), 204);
	}

	async #listed(): Promise<Map<number, number>> {
		const answer = await this.party.list();
		expectStatus('GET blobs', answer, 200);
		const { blobs } = JSON.parse(answer.body.toString()) as BlobList;
		return new Map((blobs[this.party.bid] ?? []).map(({ n, bytes }) => [n, bytes]));
	}
}

/** An upload that broke off is gone from Redis after a minute and a half. */
const UPLOAD_FORGOTTEN_MS = 95_000;

async function orphans(redis: RedisProcess | null, dir: string): Promise<number> {
	if (!redis) return (await filesBelow(`${dir}/staging`)) + (await filesBelow(`${dir}/sessions`));
	await new Promise((resolve) => setTimeout(resolve, UPLOAD_FORGOTTEN_MS));
	return redis.longKeys();
}
