/**
 * Moves a staging folder's content into place, all of it or nothing. What is to come is written down in it before the first
 * move, so that a process that is killed in between can be undone by the next. Synchronous: no signal handler of ours comes in
 * between.
 */
import {
	closeSync,
	constants,
	existsSync,
	fstatSync,
	fsyncSync,
	lstatSync,
	mkdirSync,
	openSync,
	readdirSync,
	readFileSync,
	renameSync,
	writeSync,
} from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { AgentError } from '../errors.js';
import { FOLDER_NAME, INDEX, SUMMARY } from '../layout.js';

/** In the staging folder: the names that are to be moved, and what they replace. */
const JOURNAL = 'commit.json';
const REPLACED = 'replaced';

const Names = v.array(v.union([v.literal(INDEX), v.literal(SUMMARY), v.pipe(v.string(), v.regex(FOLDER_NAME))]));
const EarlierIndex = v.object({ sources: v.array(v.object({ folder: v.pipe(v.string(), v.regex(FOLDER_NAME)) })) });

/** Unlike existsSync true for a dangling link too. */
export function isThere(path: string): boolean {
	return existsSync(path) || lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/**
 * Moves `names` from `staging` into `out`, the index last. With `force` an earlier delivery makes room; it comes back if
 * anything goes wrong.
 * @throws {AgentError} `output_exists`; `output_failed`, whose cause is a `CommitError` where not even the way back went, and
 * `staging` holds what is to be put back (`undoCommit`)
 */
export function commit(out: string, staging: string, names: readonly string[], force: boolean): void {
	const old = [...new Set([INDEX, SUMMARY, ...names, ...(force ? earlierFolders(out) : [])])].filter((name) =>
		isThere(join(out, name)),
	);
	if (old.length > 0 && !force) throw new AgentError('output_exists');
	try {
		mkdirSync(join(staging, REPLACED), { mode: 0o700 });
		writeDown(join(staging, JOURNAL), names);
		for (const name of old) renameSync(join(out, name), join(staging, REPLACED, name));
		for (const name of [...names.filter((name) => name !== INDEX), INDEX])
			renameSync(join(staging, name), join(out, name));
	} catch (cause) {
		if (undoCommit(out, staging)) throw new AgentError('output_failed', { cause });
		const detail =
			'the records that were here are safe in the folder .receiving-… beside them, and the next command puts them back';
		throw new AgentError('output_failed', { cause: new CommitError('half in place', { cause }), detail });
	}
}

/** Neither forth nor back: nothing of the staging folder may be removed. */
export class CommitError extends Error {}

/**
 * Puts `out` back to what it was before a commit that was cut off. One that came to its end, or never began, is left as it is.
 * @returns false where it could not
 */
export function undoCommit(out: string, staging: string): boolean {
	const names = read(Names, join(staging, JOURNAL));
	// The index goes last: without it here, everything is in place.
	if (!names || !isThere(join(staging, INDEX))) return true;
	let undone = true;
	const back = (from: string, to: string) => {
		try {
			if (isThere(from) && !isThere(to)) renameSync(from, to);
		} catch {
			undone = false;
		}
	};
	for (const name of names) back(join(out, name), join(staging, name));
	for (const name of list(join(staging, REPLACED))) back(join(staging, REPLACED, name), join(out, name));
	return undone && list(join(staging, REPLACED)).length === 0;
}

function writeDown(path: string, names: readonly string[]): void {
	const file = openSync(path, 'wx', 0o600);
	try {
		writeSync(file, JSON.stringify(names));
		fsyncSync(file);
	} finally {
		closeSync(file);
	}
}

/** The folders the index of an earlier delivery names, as far as they are names we give. */
function earlierFolders(out: string): string[] {
	return read(EarlierIndex, join(out, INDEX))?.sources.map(({ folder }) => folder) ?? [];
}

/** As much as an index may have. */
const MOST = 128 * 1024 * 1024;
/** A FIFO must not hang, and a link not be followed. */
const FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

function read<T>(shape: v.GenericSchema<unknown, T>, path: string): T | null {
	try {
		const file = openSync(path, FLAGS);
		try {
			const there = fstatSync(file);
			if (!there.isFile() || there.size > MOST) return null;
			return v.parse(shape, JSON.parse(readFileSync(file, 'utf8')));
		} finally {
			closeSync(file);
		}
	} catch {
		return null;
	}
}

function list(path: string): string[] {
	try {
		return readdirSync(path);
	} catch {
		return [];
	}
}
