/**
 * Encryption of everything the wallet writes: AES-256-GCM under a key that never leaves the browser's key store
 * (non-extractable). Each row is bound to its place by the row's key as additional data, so that rows cannot be swapped.
 *
 * With the lock on, the key lies on disk only wrapped (`lock.ts`), and whoever opens it puts it into this worker's memory.
 *
 * What it does not protect from: script that runs in this origin can use the key, though not read it (README, "Security
 * model"). A browser's storage engine may keep overwritten rows, and so an earlier key, until it compacts its files.
 */
import { promisifyRequest } from 'idb-keyval';
import { base64url } from 'jose';
import { BrokerError } from '../errors.js';
import { onForget, type RowKey, transact, wallet } from './db.js';

/** A sealed value as it lies on disk. */
export interface Sealed {
	iv: Uint8Array<ArrayBuffer>;
	data: ArrayBuffer;
	/** Id of the key it is sealed with; missing in rows older than ids, whose key has none either. */
	by?: string;
}

export interface VaultKey {
	id: string;
	key: CryptoKey;
}

/** The key of a wallet that can be locked: AES-GCM ciphertext of its raw octets, under the key that a passkey gives. */
export interface WrappedKey {
	id: string;
	wrapped: { iv: Uint8Array<ArrayBuffer>; data: ArrayBuffer };
	/** What it takes to ask the passkey again; base64url. */
	credentialId: string;
	salt: string;
	/** The person locked it: only the passkey opens it, no page that still holds the key. */
	closed: boolean;
}

/** Where the key lies. Rows beside which it does not lie can never be opened. */
export const KEY_ROW = ['vault', 'key'];

/** As it lies there: a bare key is one that was made before keys had ids. */
export type KeyRow = CryptoKey | VaultKey | WrappedKey;

export const idOf = (row: KeyRow): string => (row instanceof CryptoKey ? '' : row.id);

export function isWrapped(row: KeyRow | undefined): row is WrappedKey {
	return row !== undefined && 'wrapped' in row;
}

export function keyRow(): Promise<KeyRow | undefined> {
	return wallet('readonly', (store) => promisifyRequest<KeyRow | undefined>(store.get(KEY_ROW)));
}

/**
 * Keys that this worker has seen, by id. A row that was read just before everything was sealed anew still opens with the
 * key of its time.
 */
const known = new Map<string, CryptoKey>();
/** The key that rows are sealed with now, as far as this worker knows: another one may change it. */
let cached: Promise<VaultKey> | undefined;

/**
 * @throws {BrokerError} `vault_lost` when sealed rows are there but the key that opens them is not; `locked` when it is
 * wrapped and this worker was not given it
 */
export async function currentKey(): Promise<VaultKey> {
	cached ??= loadOrCreate().catch((error) => {
		cached = undefined;
		throw error;
	});
	return cached;
}

async function loadOrCreate(): Promise<VaultKey> {
	const existing = await keyRow();
	if (existing) return usable(existing);
	const key = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
	const fresh: VaultKey = { id: newKeyId(), key };
	await transact(async (store) => {
		// A second worker may have made one meanwhile; the first one counts.
		if (await promisifyRequest(store.get(KEY_ROW))) return;
		if (await promisifyRequest(store.count())) throw new BrokerError('vault_lost');
		store.add(fresh, KEY_ROW);
	});
	const stored = await keyRow();
	if (!stored) throw new BrokerError('storage_failed');
	return usable(stored);
}

function usable(row: KeyRow): VaultKey {
	const id = idOf(row);
	const key = isWrapped(row) ? known.get(id) : row instanceof CryptoKey ? row : row.key;
	if (!key) throw new BrokerError('locked');
	if (!isWrapped(row)) known.set(id, key);
	return { id, key };
}

export function newKeyId(): string {
	return base64url.encode(crypto.getRandomValues(new Uint8Array(9)));
}

/** Looks at the disk before the next use: another worker may have changed the key. */
export function forgetKey(): void {
	cached = undefined;
}

/** What this worker seals with and opens from here on. */
export function rememberKey({ id, key }: VaultKey): void {
	known.set(id, key);
	cached = undefined;
}

export function isKnown(id: string): boolean {
	return known.has(id);
}

const dropped = new Set<() => void>();

/** Whom to tell that the keys are dropped: what was read with them is to be forgotten too. */
export function onDropKeys(listener: () => void): void {
	dropped.add(listener);
}

/** Drops every key from memory. */
export function dropKeys(): void {
	known.clear();
	cached = undefined;
	for (const forget of dropped) forget();
}

// Another worker may delete everything and begin with a new key. A connection that was merely lost changes no key.
onForget((deleted) => (deleted ? dropKeys() : forgetKey()));

const utf8 = new TextEncoder();

const params = (iv: Uint8Array<ArrayBuffer>, row: RowKey) => ({
	name: 'AES-GCM',
	iv,
	additionalData: utf8.encode(JSON.stringify(row)),
});

export async function sealBytes(
	bytes: Uint8Array<ArrayBuffer>,
	row: RowKey,
	by?: VaultKey | undefined,
): Promise<Sealed> {
	const iv = crypto.getRandomValues(new Uint8Array(12));
	const { id, key } = by ?? (await currentKey());
	return { iv, data: await crypto.subtle.encrypt(params(iv, row), key, bytes), by: id };
}

/** @throws {BrokerError} `vault_lost` when the row does not open, `locked` */
export async function openBytes(sealed: Sealed, row: RowKey): Promise<Uint8Array<ArrayBuffer>> {
	const key = await keyOf(sealed.by ?? '');
	try {
		return new Uint8Array(await crypto.subtle.decrypt(params(sealed.iv, row), key, sealed.data));
	} catch (cause) {
		throw new BrokerError('vault_lost', { cause });
	}
}

async function keyOf(id: string): Promise<CryptoKey> {
	if ((await currentKey()).id !== id && !known.has(id)) {
		// Sealed by another worker, with a key that came after the one known here.
		forgetKey();
		await currentKey();
	}
	const key = known.get(id);
	if (!key) throw new BrokerError('vault_lost');
	return key;
}

export function sealJson(json: string, row: RowKey): Promise<Sealed> {
	return sealBytes(utf8.encode(json), row);
}

export async function openJson<T>(sealed: Sealed, row: RowKey): Promise<T> {
	return JSON.parse(new TextDecoder().decode(await openBytes(sealed, row)));
}

/** Whether a stored value is one that this vault sealed. */
export function isSealed(value: unknown): value is Sealed {
	if (typeof value !== 'object' || value === null) return false;
	const { iv, data } = value as Partial<Sealed>;
	return iv instanceof Uint8Array && iv.length === 12 && data instanceof ArrayBuffer;
}
