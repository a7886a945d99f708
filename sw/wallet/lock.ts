/**
 * The lock: the vault's key lies on disk only wrapped under a key that a passkey gives (WebAuthn Level 3, section 10.1.4, PRF
 * extension; the page derives it). The unlocked key lives in this worker's memory alone and dies with it; pages that still
 * hold theirs open the next worker with it, until the person locks.
 */
import { promisifyRequest } from 'idb-keyval';
import type { Overview, Payload, Reply } from '../contract.js';
import { BrokerError } from '../errors.js';
import { record } from './activity.js';
import { keysBelow, transact } from './db.js';
import { whileNoJobRuns } from './idle.js';
import { resealPatiently } from './reseal.js';
import { hasUnsaved, saveUnsaved } from './unsaved.js';
import {
	currentKey,
	dropKeys,
	forgetKey,
	idOf,
	isKnown,
	isWrapped,
	KEY_ROW,
	type KeyRow,
	keyRow,
	newKeyId,
	rememberKey,
	type WrappedKey,
} from './vault.js';

/** Held by whoever finishes a sign-in; shared among several of them. */
export const CALLBACK_LOCK = 'callback';

/** How long to wait for refreshes and sign-ins under way: their tokens must be on disk first. */
const CALM_MS = 15_000;

/** From the disk each time, as another worker may have changed it: one row, and never the key itself. */
export async function lockState(): Promise<Overview['lock']> {
	const row = await keyRow();
	if (!isWrapped(row)) return 'off';
	return isKnown(row.id) ? 'unlocked' : 'locked';
}

/**
 * Makes a new key, seals everything with it and leaves only its wrapped form on disk.
 * @throws {BrokerError} `busy` while a job runs or tokens are under way; `locked`; `unlock_failed` for a key of no use
 */
export async function enableLock({ key, credentialId, salt }: Payload<'lock.enable'>): Promise<void> {
	const row = await keyRow();
	// The same call once more, after a worker died with its answer.
	if (isWrapped(row) && row.credentialId === credentialId) return unlock(key);
	if (await saveUnsaved()) throw new BrokerError('busy');
	await whileNoJobRuns(() =>
		whileCalm(async () => {
			const id = newKeyId();
			const wrapped = await makeKey(key, id);
			const locked: WrappedKey = { id, wrapped, credentialId, salt, closed: false };
			// Known before it is on disk: whoever reads right after must not find the wallet locked.
			const fresh = { id, key: await unwrap(key, locked) };
			rememberKey(fresh);
			await resealPatiently(fresh, locked);
		}),
	);
	await record({ what: 'lock_on' });
}

/** Puts the key back beside what it opens. @throws {BrokerError} `locked` */
export async function disableLock(): Promise<void> {
	const row = await keyRow();
	if (!isWrapped(row)) return;
	const current = await currentKey();
	await replaceKeyRow(row.id, current);
	await record({ what: 'lock_off' });
}

/** @throws {BrokerError} `unlock_failed` where there is no lock */
export async function lockChallenge(): Promise<Reply<'lock.challenge'>> {
	const row = await keyRow();
	if (!isWrapped(row)) throw new BrokerError('unlock_failed');
	const { credentialId, salt } = row;
	return { credentialId, salt };
}

/**
 * @param again the key comes from a page that kept it, not from the passkey
 * @throws {BrokerError} `unlock_failed`; `locked` where the person locked and the key was merely kept
 */
export async function unlock(key: CryptoKey, again = false): Promise<void> {
	const row = await keyRow();
	if (!isWrapped(row)) return;
	if (again && row.closed) throw new BrokerError('locked');
	const opened = await unwrap(key, row);
	// Once more: the person may have locked meanwhile.
	const now = await keyRow();
	if (again && isWrapped(now) && now.closed) throw new BrokerError('locked');
	rememberKey({ id: row.id, key: opened });
	// A disk that cannot be written may still be read: then only the passkey keeps opening it.
	if (row.closed) await replaceKeyRow(row.id, { ...row, closed: false }).catch(() => undefined);
}

/**
 * Drops the key, once nothing is under way that has tokens to write down.
 * @throws {BrokerError} `busy`: tokens are under way or cannot be saved, and would be lost
 */
export async function lockNow(): Promise<void> {
	const row = await keyRow();
	if (!isWrapped(row)) return;
	if (!isKnown(row.id)) return close(row);
	// Its lock is held for as long as they are in memory alone.
	if (await saveUnsaved()) throw new BrokerError('busy');
	await whileCalm(async () => {
		if (hasUnsaved()) throw new BrokerError('busy');
		await close(row);
	});
}

async function close(row: WrappedKey): Promise<void> {
	await replaceKeyRow(row.id, { ...row, closed: true });
	dropKeys();
}

/** @throws {BrokerError} `busy` where another worker was faster */
async function replaceKeyRow(id: string, row: KeyRow): Promise<void> {
	await transact(async (store) => {
		const stored = await promisifyRequest<KeyRow | undefined>(store.get(KEY_ROW));
		if (!stored || idOf(stored) !== id) throw new BrokerError('busy');
		store.put(row, KEY_ROW);
	});
	forgetKey();
}

const algorithm = (iv: Uint8Array<ArrayBuffer>, id: string) => ({
	name: 'AES-GCM',
	iv,
	additionalData: new TextEncoder().encode(JSON.stringify([...KEY_ROW, id])),
});

/** A fresh key in its wrapped form: the browser exports and seals it in one step, so its octets never reach script. */
async function makeKey(wrapping: CryptoKey, id: string): Promise<WrappedKey['wrapped']> {
	if (wrapping.extractable) throw new BrokerError('unlock_failed');
	const key = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, true, ['encrypt', 'decrypt']);
	const iv = crypto.getRandomValues(new Uint8Array(12));
	try {
		return { iv, data: await crypto.subtle.wrapKey('raw', key, wrapping, algorithm(iv, id)) };
	} catch (cause) {
		throw new BrokerError('unlock_failed', { cause });
	}
}

async function unwrap(wrapping: CryptoKey, { id, wrapped }: WrappedKey): Promise<CryptoKey> {
	const { iv, data } = wrapped;
	try {
		const usages: KeyUsage[] = ['encrypt', 'decrypt'];
		return await crypto.subtle.unwrapKey('raw', data, wrapping, algorithm(iv, id), 'AES-GCM', false, usages);
	} catch (cause) {
		throw new BrokerError('unlock_failed', { cause });
	}
}

/**
 * Runs `work` while no sign-in is being finished and no connection refreshed, in any worker. Whoever else holds the locks of
 * several connections (`backup.ts`) takes them in this order too, so that two that wait never wait for each other.
 */
async function whileCalm(work: () => Promise<void>): Promise<void> {
	const ids = (await keysBelow(['connection'])).map(([, id]) => String(id)).sort();
	const names = [CALLBACK_LOCK, ...ids.map((id) => `refresh ${id}`)];
	const signal = AbortSignal.timeout(CALM_MS);
	const next = async (): Promise<void> => {
		const name = names.shift();
		if (name === undefined) return work();
		await navigator.locks.request(name, { signal }, next);
	};
	try {
		await next();
	} catch (error) {
		if (error instanceof DOMException && error.name === 'TimeoutError') throw new BrokerError('busy', { cause: error });
		throw error;
	}
}
