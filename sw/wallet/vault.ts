/**
 * Encryption of everything the wallet writes: AES-256-GCM under a key that never leaves the browser's key store
 * (non-extractable). Each row is bound to its place by the row's key as additional data, so that rows cannot be swapped.
 *
 * What it does not protect from: script that runs in this origin can use the key, though not read it (README, "Security
 * model").
 */
import { promisifyRequest } from 'idb-keyval';
import { BrokerError } from '../errors.js';
import { onForget, type RowKey, transact, wallet } from './db.js';

/** A sealed value as it lies on disk. */
export interface Sealed {
	iv: Uint8Array<ArrayBuffer>;
	data: ArrayBuffer;
}

/** Where the key lies. Rows beside which it does not lie can never be opened. */
export const KEY_ROW = ['vault', 'key'];

let cached: Promise<CryptoKey> | undefined;

/** @throws {BrokerError} `vault_lost` when sealed rows are there but the key that opens them is not. */
async function key(): Promise<CryptoKey> {
	cached ??= loadOrCreate().catch((error) => {
		cached = undefined;
		throw error;
	});
	return cached;
}

async function loadOrCreate(): Promise<CryptoKey> {
	const load = () => wallet('readonly', (store) => promisifyRequest(store.get(KEY_ROW)));
	const existing = await load();
	if (existing instanceof CryptoKey) return existing;
	const fresh = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
	await transact(async (store) => {
		// A second worker may have made one meanwhile; the first one counts.
		if (await promisifyRequest(store.get(KEY_ROW))) return;
		if (await promisifyRequest(store.count())) throw new BrokerError('vault_lost');
		store.add(fresh, KEY_ROW);
	});
	const stored = await load();
	if (!(stored instanceof CryptoKey)) throw new BrokerError('storage_failed');
	return stored;
}

/** Forgets the key in memory: it must not outlive its row. */
export function forgetKey(): void {
	cached = undefined;
}

// Another worker may delete everything and begin with a new key.
onForget(forgetKey);

const utf8 = new TextEncoder();

export async function sealBytes(bytes: Uint8Array<ArrayBuffer>, row: RowKey): Promise<Sealed> {
	const iv = crypto.getRandomValues(new Uint8Array(12));
	const params = { name: 'AES-GCM', iv, additionalData: utf8.encode(JSON.stringify(row)) };
	return { iv, data: await crypto.subtle.encrypt(params, await key(), bytes) };
}

/** @throws {BrokerError} `vault_lost` when the row does not open. */
export async function openBytes(sealed: Sealed, row: RowKey): Promise<Uint8Array<ArrayBuffer>> {
	const params = { name: 'AES-GCM', iv: sealed.iv, additionalData: utf8.encode(JSON.stringify(row)) };
	const vaultKey = await key();
	try {
		return new Uint8Array(await crypto.subtle.decrypt(params, vaultKey, sealed.data));
	} catch (cause) {
		throw new BrokerError('vault_lost', { cause });
	}
}

export function sealJson(json: string, row: RowKey): Promise<Sealed> {
	return sealBytes(utf8.encode(json), row);
}

export async function openJson<T>(sealed: Sealed, row: RowKey): Promise<T> {
	return JSON.parse(new TextDecoder().decode(await openBytes(sealed, row)));
}
