/**
 * An output folder that is either whole or untouched: everything is written into `.receiving-<random>` beside it and
 * moved into place at the end, `index.json` last.
 */
import { randomBytes } from 'node:crypto';
import { appendFile, lstat, mkdir, open, readdir, readFile, rename, rm, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { ahead } from '../delivery/ahead.js';
import { AgentError } from '../errors.js';
import { privateFolder } from '../keyfile.js';
import { INDEX, isStaging, SUMMARY, stagingName } from '../layout.js';
import { CommitError, commit, isThere, undoCommit } from './commit.js';
import { isAbandoned, own } from './owner.js';

/** No session lives longer than an hour: a staging folder older than two was left by a killed process. */
const STALE = 2 * 3600 * 1000;
/** Files flushed at a time: one after the other, a thousand documents take seconds. */
const FLUSHES = 16;

/** @throws {AgentError} `output_exists` a delivery is there already, or a file that has the name of one of its own */
export function checkOutputFree(out: string, force = false): void {
	if (!force && [INDEX, SUMMARY].some((name) => isThere(join(out, name)))) throw new AgentError('output_exists');
}

export class Staging {
	readonly #files = new Set<string>();
	/** It holds the only copy of an earlier delivery. */
	#isNeeded = false;

	private constructor(
		readonly out: string,
		readonly path: string,
	) {}

	/** @throws {AgentError} `output_unsafe`, `output_failed` */
	static async create(out: string): Promise<Staging> {
		await privateFolder(out);
		await clearAbandoned(out);
		const path = join(out, stagingName(randomBytes(8).toString('hex')));
		await attempt(async () => {
			await mkdir(path, { mode: 0o700 });
			await own(path);
		});
		return new Staging(out, path);
	}

	async folder(name: string): Promise<void> {
		await attempt(() => mkdir(join(this.path, name), { recursive: true, mode: 0o700 }));
	}

	/** Appends to `name`, a path below the staging folder; files have mode 0600. */
	async append(name: string, octets: Uint8Array | string): Promise<void> {
		this.#files.add(name);
		await attempt(() => appendFile(join(this.path, name), octets, { mode: 0o600 }));
	}

	/** Gives a file another name, which none has. */
	async rename(name: string, to: string): Promise<void> {
		await attempt(() => rename(join(this.path, name), join(this.path, to)));
		this.#files.delete(name);
		this.#files.add(to);
	}

	/** The octets of `name`, which is no longer there afterwards. */
	async take(name: string): Promise<Buffer> {
		this.#files.delete(name);
		const path = join(this.path, name);
		return attempt(async () => {
			const octets = await readFile(path);
			await unlink(path);
			return octets;
		});
	}

	/**
	 * Flushes everything to disk, then moves `folders`, the summary and the index into place. With `force` an earlier delivery makes
	 * room; it comes back if anything goes wrong.
	 * @throws {AgentError} `output_exists`, `output_failed`
	 */
	async commit(folders: string[], force: boolean): Promise<void> {
		await attempt(async () => {
			const flushed = ahead(this.#files, FLUSHES, (name) => flush(join(this.path, name), 'r+'));
			while (!(await flushed.next()).done);
		});
		try {
			commit(this.out, this.path, [...folders, ...(this.#files.has(SUMMARY) ? [SUMMARY] : []), INDEX], force);
		} catch (error) {
			this.#isNeeded = error instanceof AgentError && error.cause instanceof CommitError;
			throw error;
		}
		// What was moved is in place; not every system can flush a folder.
		await flush(this.out).catch(() => undefined);
	}

	/** Removes what was not moved, unless it is to be put back yet. */
	async discard(): Promise<void> {
		if (this.#isNeeded) return;
		await attempt(() => rm(this.path, { recursive: true, force: true, maxRetries: 3 }));
	}
}

/**
 * Clears up after processes that were killed: what they had moved goes back, and their staging folders go.
 * @param all those of living processes, too
 * @throws {AgentError} `output_failed`
 */
export async function clearAbandoned(out: string, all = false): Promise<void> {
	await attempt(async () => {
		for (const name of await readdir(out).catch(noFolder)) {
			if (!isStaging(name)) continue;
			const path = join(out, name);
			const there = await lstat(path).catch(() => null);
			if (!there) continue;
			if (!all && Date.now() - there.mtimeMs <= STALE && !(await isAbandoned(path))) continue;
			if (there.isDirectory() && !undoCommit(out, path)) throw new AgentError('output_failed');
			await rm(path, { recursive: true, force: true, maxRetries: 3 });
		}
	});
}

async function flush(path: string, flags = 'r'): Promise<void> {
	const file = await open(path, flags);
	try {
		await file.sync();
	} finally {
		await file.close();
	}
}

async function attempt<T>(step: () => Promise<T>): Promise<T> {
	try {
		return await step();
	} catch (cause) {
		throw cause instanceof AgentError ? cause : new AgentError('output_failed', { cause });
	}
}

function noFolder(cause: unknown): string[] {
	if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return [];
	throw cause;
}
