/**
 * The pause after a backup. A refresh token that two browsers use is taken for stolen (RFC 9700, section 4.14.2), and the
 * provider ends the grant for both: so whoever has handed its connections over renews none of them.
 */
import type { Overview } from '../contract.js';
import type { RowKey } from './db.js';
import { read } from './rows.js';

export const PAUSED: RowKey = ['paused'];

/** Since when everything lives in a backup, and nothing is renewed here. */
export async function pausedSince(): Promise<Overview['paused']> {
	return (await read<{ since: number }>(PAUSED))?.value ?? null;
}
