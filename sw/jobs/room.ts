/** Room on the disk: copies grow unattended, and must leave enough for tokens to be written down. */
import { BrokerError } from '../errors.js';

const LEFT_OCTETS = 50 * 1024 * 1024;
const LOOK_MS = 1000;

/** A cache, in memory only. */
let lookedAt = Number.NEGATIVE_INFINITY;

/** Cheap to ask often. @throws {BrokerError} `storage_full` where a copy should not grow any more */
export async function checkRoom(): Promise<void> {
	const now = Date.now();
	if (Math.abs(now - lookedAt) < LOOK_MS) return;
	const { quota, usage } = (await navigator.storage?.estimate?.().catch(() => undefined)) ?? {};
	if (quota !== undefined && quota - (usage ?? 0) < LEFT_OCTETS) throw new BrokerError('storage_full');
	lookedAt = now;
}
