/**
 * An output folder that is either whole or untouched: everything is written into `.receiving-<random>` beside it and
 * moved into place at the end, `index.json` last.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { appendFile, lstat, mkdir, open, readdir, readFile, rename, rm, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { ahead } from '../delivery/ahead.js';
import { AgentError } from '../errors.js';
import { privateFolder } from '../keyfile.js';
import { FOLDER_NAME } from './names.js';

export const INDEX = 'index.json';
export const SUMMARY = 'summary.md';
const PREFIX = '.receiving-';
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

	private constructor(
		readonly out: string,
		readonly path: string,
	) {}

	/** @throws {AgentError} `output_unsafe`, `output_failed` */
	static async create(out: string): Promise<Staging> {
		await privateFolder(out);
		const path = join(out, PREFIX + randomBytes(8).toString('hex'));
		await attempt(async () => {
			await removeStale(out);
			await mkdir(path, { mode: 0o700 });
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
		// Synchronous from here on, so that no signal handler of ours can come in between.
		const old = [...new Set([INDEX, SUMMARY, ...folders, ...(force ? earlierFolders(this.out) : [])])].filter((name) =>
			isThere(join(this.out, name)),
		);
		if (old.length > 0 && !force) throw new AgentError('output_exists');
		const kept = join(this.path, 'replaced');
		const undo: [string, string][] = [];
		const move = (from: string, to: string) => {
			renameSync(from, to);
			undo.unshift([to, from]);
		};
		try {
			if (old.length > 0) mkdirSync(kept, { mode: 0o700 });
			for (const name of old) move(join(this.out, name), join(kept, name));
			for (const name of [...folders, ...(this.#files.has(SUMMARY) ? [SUMMARY] : []), INDEX])
				move(join(this.path, name), join(this.out, name));
		} catch (cause) {
			for (const [from, to] of undo) renameSync(from, to);
			throw new AgentError('output_failed', { cause });
		}
		// What was moved is in place; not every system can flush a folder.
		await flush(this.out).catch(() => undefined);
	}

	/** Removes what was not moved. */
	async discard(): Promise<void> {
		await attempt(() => rm(this.path, { recursive: true, force: true, maxRetries: 3 }));
	}
}

/** Unlike existsSync true for a dangling link too. */
function isThere(path: string): boolean {
	return existsSync(path) || lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

const EarlierIndex = v.object({ sources: v.array(v.object({ folder: v.pipe(v.string(), v.regex(FOLDER_NAME)) })) });

/** The folders the index of an earlier delivery names, as far as they are names we give. */
function earlierFolders(out: string): string[] {
	try {
		const index = v.parse(EarlierIndex, JSON.parse(readFileSync(join(out, INDEX), 'utf8')));
		return index.sources.map(({ folder }) => folder);
	} catch {
		return [];
	}
}

/** A name that a staging folder has. */
export function isStaging(name: string): boolean {
	return name.startsWith(PREFIX) && /^[0-9a-f]{16}$/.test(name.slice(PREFIX.length));
}

async function removeStale(out: string): Promise<void> {
	for (const name of await readdir(out)) {
		if (!isStaging(name)) continue;
		const path = join(out, name);
		const { mtimeMs } = await lstat(path);
		if (Date.now() - mtimeMs > STALE) await rm(path, { recursive: true, force: true });
	}
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
		throw new AgentError('output_failed', { cause });
	}
}
