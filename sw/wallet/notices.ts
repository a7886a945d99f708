/** What came of the last trip to a provider, kept until the person has seen it. */
import type { Notice } from '../contract.js';
import type { RowKey } from './db.js';
import { type Change, commit, read } from './rows.js';

const NOTICE: RowKey = ['notice'];

type Unnamed<N> = N extends Notice ? Omit<N, 'id'> : never;

/** @param beside what is committed in the same transaction */
export async function notify(notice: Unnamed<Notice>, beside: Change[] = []): Promise<void> {
	await commit([{ key: NOTICE, value: { ...notice, id: crypto.randomUUID() } }, ...beside]);
}

export async function currentNotice(): Promise<Notice | null> {
	return (await read<Notice>(NOTICE))?.value ?? null;
}

export async function dismissNotice(id: string): Promise<void> {
	if ((await currentNotice())?.id === id) await commit([{ key: NOTICE, remove: true }]);
}
