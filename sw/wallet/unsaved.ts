/**
 * Tokens that could not be written down. A refresh token that the server has rotated, or a sign-in that is done, exists nowhere
 * else: as long as this worker lives it is kept here, and each attempt to use it first tries to write it again.
 */
import type { Registration } from '../smart/client.js';

/** Access that lives here alone: whoever throws it away ends it first. */
export interface Held {
	registration: Registration;
	tokens: { refreshToken: string | null; accessToken: string };
}

interface Pending {
	write: () => Promise<unknown>;
	held: Held;
	/** The attempt under way, so that two callers do not write side by side. */
	attempt: Promise<unknown> | undefined;
	/** Resolves once it is on disk or counts no more. */
	gone: Promise<void>;
	leave: () => void;
}

const pending = new Map<string, Pending>();

/**
 * Writes, and keeps what cannot be written for another attempt. `write` may run several times and must bear it; where there
 * is nothing left to write to, it answers instead of throwing. A later call with the same key takes the place of an earlier one.
 * @throws what `write` threw
 */
export async function keep<T>(key: string, write: () => Promise<T>, held: Held): Promise<T> {
	forgetUnsaved(key);
	let leave = () => {};
	const gone = new Promise<void>((resolve) => {
		leave = resolve;
	});
	const entry: Pending = { write, held, attempt: undefined, gone, leave };
	pending.set(key, entry);
	return (await attempt(key, entry)) as T;
}

function attempt(key: string, entry: Pending): Promise<unknown> {
	entry.attempt ??= entry
		.write()
		.then((result) => {
			// Something newer may have taken its place meanwhile.
			if (pending.get(key) === entry) forgetUnsaved(key);
			return result;
		})
		.finally(() => {
			entry.attempt = undefined;
		});
	return entry.attempt;
}

/** Tries again to write what is kept under this key, if anything is. @throws what writing threw */
export async function settle(key: string): Promise<void> {
	const entry = pending.get(key);
	if (entry) await attempt(key, entry);
}

/** When nothing is kept under this key any more. */
export function written(key: string): Promise<void> {
	return pending.get(key)?.gone ?? Promise.resolve();
}

/** What is kept counts no more. @returns the access that was kept, for whom it is to be ended */
export function forgetUnsaved(key: string): Held | undefined {
	const entry = pending.get(key);
	entry?.leave();
	pending.delete(key);
	return entry?.held;
}

/** The same for everything: the person deleted it all. */
export function forgetAllUnsaved(): Held[] {
	return [...pending.keys()].flatMap((key) => forgetUnsaved(key) ?? []);
}

export function isUnsaved(key: string): boolean {
	return pending.has(key);
}

/** Whether tokens live in this worker's memory alone. */
export function hasUnsaved(): boolean {
	return pending.size > 0;
}

/** Tries again to write down what could not be written. @returns whether something is left */
export async function saveUnsaved(): Promise<boolean> {
	for (const key of [...pending.keys()]) await settle(key).catch(() => undefined);
	return hasUnsaved();
}
