/** Moving the wallet to another browser: an encrypted file, and the pause that keeps a refresh token from living in two. */
import type { Overview, Payload, Reply } from '../contract.js';
import { BrokerError } from '../errors.js';

/** Since when everything lives in a backup, and nothing is renewed here. */
export async function pausedSince(): Promise<Overview['paused']> {
	return null;
}

export async function createBackup(_how: Payload<'backup.create'>): Promise<Reply<'backup.create'>> {
	throw new BrokerError('internal');
}

/** The file, once; for a navigation to `backupPath(id)`. */
export async function backupResponse(_id: string): Promise<Response> {
	throw new BrokerError('internal');
}

export async function inspectBackup(_file: string): Promise<Reply<'backup.inspect'>> {
	throw new BrokerError('internal');
}

export async function restoreBackup(_how: Payload<'backup.restore'>): Promise<Reply<'backup.restore'>> {
	throw new BrokerError('internal');
}

export async function resume(): Promise<void> {
	throw new BrokerError('internal');
}
