/** Deletes what a session and a delivery left on this machine, and nothing else that lies in the folder. */
import { lstat, rmdir, unlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { AgentError } from '../errors.js';
import type { World } from '../exchange.js';
import { readSessionFile, sessionFile, wipeSessionFile } from '../keyfile.js';
import { INDEX, SUMMARY } from '../layout.js';
import { readIndex } from '../library/library.js';
import { closeSession } from '../session.js';
import type { SourceEntry } from './records.js';
import { clearAbandoned } from './staging.js';

export interface Removed {
	/** The session under way was ended at the relay; `unreachable`: it ends by itself within the hour, and its keys are gone here. */
	session: 'none' | 'ended' | 'unreachable';
	/** Sources whose files are gone. */
	sources: number;
}

/**
 * Ends a session under way and wipes its file, then removes the files that the index names, the summary and the index: only
 * names that we give, no links followed. A folder goes when that leaves it empty, the output folder too.
 * @throws {AgentError} `session_file_unsafe`, `output_failed`; `records_damaged` with `detail` the index cannot be read, so that
 * nobody can say what is ours: nothing but the session is gone
 */
export async function removeAll(dir: string, world: World): Promise<Removed> {
	const root = resolve(dir);
	const session = await endSession(sessionFile(root), world);
	// First, because what a killed process had moved away comes back, and is then among what goes.
	if (await isFolder(root)) await clearAbandoned(root, true);
	const sources = await indexed(root);
	for (const source of sources) await removeSource(root, source);
	// Last, because it says what there is to remove.
	for (const name of [SUMMARY, INDEX]) await removeFile(join(root, name));
	await removeEmpty(root);
	return { session, sources: sources.length };
}

/**
 * Wipes the keys of a session and ends it at the relay.
 * @param file the session file; one that is spoilt is wiped, and there is nobody to tell
 * @returns `unreachable` after an interruption, too
 * @throws {AgentError} `session_file_unsafe`, `output_failed`
 */
export async function endSession(file: string, world: World): Promise<Removed['session']> {
	const session = await readSessionFile(file).catch((error: unknown) => {
		const code = error instanceof AgentError ? error.code : undefined;
		if (code === 'session_file_missing' || code === 'session_file_invalid') return code;
		throw error;
	});
	if (session === 'session_file_missing') return 'none';
	await wipeSessionFile(file);
	if (session === 'session_file_invalid') return 'unreachable';
	return (await closeSession(session, world)) ? 'ended' : 'unreachable';
}

async function indexed(root: string): Promise<SourceEntry[]> {
	try {
		return (await readIndex(root)).sources;
	} catch (error) {
		if (!(error instanceof AgentError)) throw error;
		if (error.code === 'no_records') return [];
		if (error.code !== 'records_damaged') throw error;
		const detail =
			'no record was deleted, because index.json, which says which files are records, cannot be read; remove the folder by hand';
		throw new AgentError('records_damaged', { cause: error, detail });
	}
}

async function removeSource(root: string, { folder, types, documents }: SourceEntry): Promise<void> {
	const path = join(root, folder);
	if (!(await isFolder(path))) return;
	if (await isFolder(join(path, 'documents'))) {
		for (const { file } of documents) if (file !== undefined) await removeFile(join(path, file));
		await removeEmpty(join(path, 'documents'));
	}
	for (const type of Object.keys(types)) await removeFile(join(path, `${type}.ndjson`));
	await removeEmpty(path);
}

/** A link is no folder of ours, wherever it leads. */
async function isFolder(path: string): Promise<boolean> {
	const there = await lstat(path).catch(() => null);
	return there?.isDirectory() ?? false;
}

/** Of a link the link itself; what is not there is gone already. */
async function removeFile(path: string): Promise<void> {
	await attempt(() => unlink(path), 'ENOENT');
}

/** What others put there stays, and its folder with it. */
async function removeEmpty(path: string): Promise<void> {
	await attempt(() => rmdir(path), 'ENOENT', 'ENOTEMPTY', 'EEXIST', 'EBUSY', 'EPERM', 'EACCES');
}

/** @param fine what may happen without being an error */
async function attempt<T>(step: () => Promise<T>, ...fine: string[]): Promise<T | null> {
	try {
		return await step();
	} catch (cause) {
		if (cause instanceof Error && 'code' in cause && fine.includes(String(cause.code))) return null;
		throw new AgentError('output_failed', { cause });
	}
}
