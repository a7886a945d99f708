/** Where the disk store keeps what, and how it finds it again. What is not of its kind is dropped. */
import { lstat, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { Id } from '../../../contract.js';
import { namesIn, privateDirectory, readIfThere } from './files.js';
import { ClockMark, Entry, parsePartName, parseRecord, SessionRecord, Tombstone } from './record.js';

export const RECORD = 'session.json';
export const MANIFEST = 'manifest';
export const CLOCK = 'clock.json';

export class Layout {
	readonly sessions: string;
	readonly gone: string;
	readonly staging: string;

	constructor(readonly directory: string) {
		this.sessions = join(directory, 'sessions');
		this.gone = join(directory, 'gone');
		this.staging = join(directory, 'staging');
	}

	session(sid: string): string {
		return join(this.sessions, sid);
	}

	/** Its name in `gone`. */
	tombstone(sid: string): string {
		return `${sid}.json`;
	}

	async make(): Promise<void> {
		for (const directory of [this.sessions, this.gone, this.staging]) await privateDirectory(directory);
	}

	/** Drops everything that is kept. */
	async empty(): Promise<void> {
		for (const directory of [this.sessions, this.gone, this.staging]) {
			await rm(directory, { recursive: true, force: true });
		}
		await this.make();
	}

	/** The latest time that a process on this directory has noted, or null. */
	async loadMark(): Promise<number | null> {
		const path = join(this.directory, CLOCK);
		const mark = parseRecord(ClockMark, await readIfThere(path));
		if (!mark) await rm(path, { recursive: true, force: true });
		return mark?.time ?? null;
	}

	/** Reads all tombstones, and drops what is none. */
	async loadGone(): Promise<Map<string, Tombstone>> {
		const gone = new Map<string, Tombstone>();
		for (const name of await namesIn(this.gone)) {
			const sid = name.replace(/\.json$/, '');
			const tombstone = parseRecord(Tombstone, await readIfThere(join(this.gone, name)));
			if (v.is(Id, sid) && tombstone) gone.set(sid, tombstone);
			else await rm(join(this.gone, name), { recursive: true, force: true }).catch(() => undefined);
		}
		return gone;
	}

	/**
	 * Reads all sessions but those that have a tombstone (their deletion was begun) or no record (their creation): the sweeper
	 * removes what is not among them.
	 */
	async loadSessions(gone: ReadonlyMap<string, Tombstone>): Promise<Map<string, Entry>> {
		const entries = new Map<string, Entry>();
		for (const sid of await namesIn(this.sessions)) {
			const entry = v.is(Id, sid) && !gone.has(sid) ? await this.#loadSession(sid) : null;
			if (entry) entries.set(sid, entry);
		}
		return entries;
	}

	async #loadSession(sid: string): Promise<Entry | null> {
		const record = parseRecord(SessionRecord, await readIfThere(join(this.session(sid), RECORD)));
		if (!record) return null;
		const names = await namesIn(this.session(sid));
		const entry = new Entry(record, names.includes(MANIFEST));
		for (const name of names) {
			const part = parsePartName(name);
			const found = part && (await lstat(join(this.session(sid), name)));
			if (part && found?.isFile()) entry.add({ ...part, bytes: found.size });
		}
		return entry;
	}
}
