/** Whose a staging folder is: that of a process that was killed can go at once. */
import { appendFile, readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

const OWNER = '.owner';

export async function own(staging: string): Promise<void> {
	await appendFile(join(staging, OWNER), JSON.stringify({ host: hostname(), pid: process.pid }), { mode: 0o600 });
}

/** True only when it is certain: a process of this machine that is no more. Of another machine nobody knows. */
export async function isAbandoned(staging: string): Promise<boolean> {
	try {
		const { host, pid } = JSON.parse(await readFile(join(staging, OWNER), 'utf8'));
		return host === hostname() && Number.isSafeInteger(pid) && pid > 0 && !isAlive(pid);
	} catch {
		return false;
	}
}

function isAlive(pid: number): boolean {
	try {
		return process.kill(pid, 0);
	} catch (error) {
		// EPERM: it is there, and another user's.
		return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
	}
}
