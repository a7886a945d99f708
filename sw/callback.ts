/**
 * A provider's answer to a sign-in, and what becomes of it where the wallet is locked: then it waits, sealed under a key of
 * its own that no script can read, until the person has unlocked. A locked wallet is the usual case with the lock on: going
 * to a provider leaves the page that held the key.
 */
import { asBrokerError } from './errors.js';
import { includeInSession } from './session/session.js';
import { type Arrival, finishConnect, tripId } from './wallet/connect.js';
import type { RowKey } from './wallet/db.js';
import { CALLBACK_LOCK } from './wallet/lock.js';
import { commit, readAllRaw } from './wallet/rows.js';

/** A parked answer. `key` is AES-GCM and not extractable; what it opens is the query of the callback. */
interface Parked {
	key: CryptoKey;
	sealed: { iv: Uint8Array<ArrayBuffer>; data: ArrayBuffer };
	parkedAt: number;
}

const KIND = 'parked';
/** About as long as a provider lets an authorization code live (RFC 6749, section 4.1.2). */
const PARKED_MS = 10 * 60_000;
/** How long to wait for a lock or another sign-in that is being finished. */
const WAIT_MS = 60_000;

const wait = () => AbortSignal.timeout(WAIT_MS);

/** Finishes a sign-in, or parks its answer. Never waits for the person. */
export async function arrive(parameters: URLSearchParams): Promise<Arrival> {
	try {
		return await navigator.locks.request(CALLBACK_LOCK, { mode: 'shared', signal: wait() }, () =>
			finishConnect(parameters, includeInSession),
		);
	} catch (error) {
		if (asBrokerError(error).code !== 'locked') throw error;
		await park(parameters);
		return { returnTo: '/connections', rest: Promise.resolve() };
	}
}

/** Anybody can make a browser come here: only an answer that somebody waits for is kept, one for each trip. */
async function park(parameters: URLSearchParams): Promise<void> {
	const id = await tripId(parameters.get('state') ?? '');
	if (!id) return;
	const query = new TextEncoder().encode(parameters.toString());
	const key = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
	const iv = crypto.getRandomValues(new Uint8Array(12));
	const data = await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, key, query);
	const parked: Parked = { key, sealed: { iv, data }, parkedAt: Date.now() };
	await commit([...(await stale()), { key: [KIND, id], raw: parked }]);
}

/** Deletes what waited for longer than a code lives; works in a locked wallet too. */
export async function forgetOldAnswers(): Promise<void> {
	const old = await stale();
	if (old.length) await commit(old);
}

async function stale() {
	const rows = await readAllRaw<Parked>([KIND]);
	return rows
		.filter(({ value }) => Date.now() - value.parkedAt > PARKED_MS)
		.map(({ key }) => ({ key, remove: true }) as const);
}

/**
 * Finishes what was parked, once the wallet is open. What a death leaves half done is told as a sign-in that is used.
 * @returns where the last of them leads, null if there was none, and work that nobody waits for
 */
export async function finishParked(): Promise<{ goTo: string | null; rest: Promise<unknown> }> {
	const none = { goTo: null, rest: Promise.resolve() };
	if (!(await readAllRaw<Parked>([KIND])).length) return none;
	return navigator.locks.request(CALLBACK_LOCK, { signal: wait() }, async () => {
		let goTo: string | null = null;
		const rest: Promise<unknown>[] = [];
		await forgetOldAnswers();
		for (const { key, value } of await readAllRaw<Parked>([KIND])) {
			// One that does not open must not keep the others, or the wallet, closed: it is told as a sign-in that is used.
			const answer = await open(value).catch(() => new URLSearchParams());
			const arrival = await finishConnect(answer, includeInSession);
			goTo = arrival.returnTo;
			rest.push(arrival.rest);
			await forget(key);
		}
		return { goTo, rest: Promise.all(rest) };
	});
}

async function open({ key, sealed }: Parked): Promise<URLSearchParams> {
	const octets = await crypto.subtle.decrypt({ name: 'AES-GCM', iv: sealed.iv }, key, sealed.data);
	return new URLSearchParams(new TextDecoder().decode(octets));
}

function forget(key: RowKey): Promise<unknown> {
	return commit([{ key, remove: true }]);
}
