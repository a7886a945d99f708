/**
 * Seals everything anew under another key: what is there is opened and sealed outside any transaction, and written together
 * with the key's row in one, if nothing changed in between. So the wallet is at every moment readable under exactly one key.
 */
import { promisifyRequest } from 'idb-keyval';
import { BrokerError } from '../errors.js';
import { type RowKey, transact, wallet } from './db.js';
import { Conflict, retried, type StoredRow } from './rows.js';
import {
	currentKey,
	forgetKey,
	idOf,
	isSealed,
	KEY_ROW,
	type KeyRow,
	openBytes,
	type Sealed,
	sealBytes,
	type VaultKey,
} from './vault.js';

/** One row that the vault sealed: as a whole, or inside a row with a revision. */
interface Found {
	key: RowKey;
	value: Sealed | StoredRow;
}

/**
 * Changes the key of the whole wallet, or nothing. Revisions stay as they are, so that a change under way is not lost.
 * @param row what lies in `KEY_ROW` from here on
 * @throws {Conflict} something changed meanwhile: nothing was written
 * @throws {BrokerError} `locked`, `vault_lost`
 */
export async function reseal(fresh: VaultKey, row: KeyRow): Promise<void> {
	const { id: before } = await currentKey();
	const { keys, found } = await snapshot();
	const again = await Promise.all(
		found.map(async ({ key, value }) => {
			const sealed = await sealBytes(await openBytes(sealedIn(value), key), key, fresh);
			return 'sealed' in value ? { ...value, sealed } : sealed;
		}),
	);
	try {
		await transact(async (store) => {
			const [stored, keysNow, ...now] = await Promise.all([
				promisifyRequest<KeyRow | undefined>(store.get(KEY_ROW)),
				promisifyRequest(store.getAllKeys()),
				...found.map(({ key }) => promisifyRequest<Found['value'] | undefined>(store.get([...key]))),
			]);
			const unchanged =
				stored !== undefined &&
				idOf(stored) === before &&
				keysNow.every((key) => keys.has(JSON.stringify(key))) &&
				found.every(({ value }, i) => isSame(value, now[i]));
			if (!unchanged) throw new Conflict();
			for (const [i, { key }] of found.entries()) store.put(again[i], [...key]);
			store.put(row, KEY_ROW);
		});
	} finally {
		// Whatever came of it, the disk says which key it is.
		forgetKey();
	}
}

/** What the vault sealed, and the keys of all rows. A cursor, because parts are large and none of the vault's. */
function snapshot(): Promise<{ keys: Set<string>; found: Found[] }> {
	return wallet('readonly', (store) => {
		const keys = new Set<string>();
		const found: Found[] = [];
		return new Promise((resolve, reject) => {
			const request = store.openCursor();
			request.onerror = () => reject(request.error);
			request.onsuccess = () => {
				const cursor = request.result;
				if (!cursor) return resolve({ keys, found });
				keys.add(JSON.stringify(cursor.key));
				const key = cursor.key as unknown as RowKey;
				if (isSealed(cursor.value) || isRow(cursor.value)) found.push({ key, value: cursor.value });
				cursor.continue();
			};
		});
	});
}

/** By its revision: what others keep may be sealed as well, under a key that is not the vault's (`callback.ts`). */
function isRow(value: unknown): value is StoredRow {
	const row = typeof value === 'object' && value !== null && 'revision' in value && 'sealed' in value;
	return row && isSealed(value.sealed);
}

function sealedIn(value: Found['value']): Sealed {
	return 'sealed' in value ? value.sealed : value;
}

/** The nonce is random and new with every seal. */
function isSame(before: Found['value'], now: Found['value'] | undefined): boolean {
	if (!now) return false;
	const other = sealedIn(now).iv;
	return sealedIn(before).iv.every((octet, i) => octet === other[i]);
}

const ATTEMPTS = 30;

/** The same, again as long as somebody else writes. @throws {BrokerError} `busy` */
export async function resealPatiently(fresh: VaultKey, row: KeyRow): Promise<void> {
	try {
		await retried(() => reseal(fresh, row), ATTEMPTS);
	} catch (error) {
		throw error instanceof Conflict ? new BrokerError('busy') : error;
	}
}
