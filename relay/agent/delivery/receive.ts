/** The end of a session: wait, open, verify, write, and only then delete the session and wipe its keys. */

import { CAPS, type Caps } from '../caps.js';
import { isFinal, isInvalidDelivery } from '../errors.js';
import { checkInterrupted, realWorld, type World } from '../exchange.js';
import { type Index, type SourceEntry, SourceWriter, writeIndex } from '../files/records.js';
import { checkOutputFree, clearAbandoned, Staging } from '../files/staging.js';
import { wipeSessionFile } from '../keyfile.js';
import { SUMMARY } from '../layout.js';
import { type AgentSession, closeSession, type WaitEvent, waitForManifest } from '../session.js';
import { summaryOf } from '../summary/summary.js';
import { openDelivery, readDelivery } from './delivery.js';
import { Prefetch } from './prefetch.js';

export interface ReceiveOptions {
	/** The output folder. */
	out: string;
	/** Replace an earlier delivery. */
	force?: boolean;
	caps?: Caps;
	world?: World;
	/** Has sealed parts that need not be fetched any more. */
	early?: Prefetch;
}

/** Octets (sealed) and parts fetched and verified so far. */
export interface ReceivingEvent {
	event: 'receiving';
	bytes: number;
	parts: number;
	totalParts: number;
}

/**
 * Opens `manifest`, fetches, verifies and writes everything. Whatever goes wrong, the output folder is as before.
 * @throws {AgentError} `output_exists`, `output_unsafe`, `output_failed`, and those of `openDelivery` and `readDelivery`
 */
export async function* receive(
	session: AgentSession,
	manifest: string,
	{ out, force = false, caps = CAPS, world = realWorld, early }: ReceiveOptions,
): AsyncGenerator<ReceivingEvent, Index, void> {
	checkOutputFree(out, force);
	const { sentAt, redaction, sources } = await openDelivery(session, manifest, caps);
	const totalParts = sources.reduce((sum, source) => sum + source.parts.length, 0);
	const staging = await Staging.create(out);
	try {
		const writers = sources.map((source, position) => new SourceWriter(staging, position, source));
		for (const writer of writers) await writer.start();
		let bytes = 0;
		let parts = 0;
		for await (const { source, ndjson, sealedBytes } of readDelivery(session, sources, world, caps, early)) {
			await writers[source]?.add(ndjson);
			bytes += sealedBytes;
			yield { event: 'receiving', bytes, parts: ++parts, totalParts };
		}
		const entries: SourceEntry[] = [];
		for (const writer of writers) entries.push(await writer.finish());
		const index: Index = { v: 2, sentAt, receivedAt: new Date(world.now()).toISOString(), redaction, sources: entries };
		await writeIndex(staging, index);
		await staging.append(SUMMARY, await summaryOf(staging.path, () => checkInterrupted(world)));
		checkInterrupted(world);
		const folders = entries.map(({ folder }) => folder);
		await staging.commit(folders, force);
		return index;
	} finally {
		await staging.discard();
	}
}

/** Everything is verified and in place, and the session file is gone. */
export interface WrittenEvent {
	event: 'written';
	index: Index;
}

/**
 * Waits for a delivery, fetching sealed parts meanwhile, and takes it in. The session and its file go when the delivery
 * is written, or when nothing more can come of them (`isFinal`); after any other error both stay, for another try. The
 * relay's answer to the deletion comes after `written`.
 * @throws {AgentError} those of `waitForManifest` and `receive`, `session_file_unsafe`
 */
export async function* follow(
	session: AgentSession,
	options: ReceiveOptions & { sessionFile: string },
): AsyncGenerator<WaitEvent | ReceivingEvent | WrittenEvent, { index: Index; closed: boolean }, void> {
	const { world = realWorld, sessionFile } = options;
	const early = new Prefetch(session, options.out, world);
	try {
		await clearAbandoned(options.out);
		checkOutputFree(options.out, options.force);
		const manifest = yield* fetchingMeanwhile(session, world, early);
		const index = yield* receive(session, manifest, { ...options, early });
		await early.discard();
		const closing = closeSession(session, world);
		try {
			await wipeSessionFile(sessionFile);
			yield { event: 'written', index };
		} finally {
			await closing;
		}
		return { index, closed: await closing };
	} catch (error) {
		// Whoever set the caps can set larger ones.
		const isOwnCap = isFinal(error) && error.code === 'delivery_too_large' && options.caps !== undefined;
		if (isFinal(error) && !isOwnCap) {
			if (isInvalidDelivery(error)) await closeSession(session, world);
			// Why the delivery failed matters more than a session file that cannot be wiped: its keys open nothing now.
			await wipeSessionFile(sessionFile).catch(() => undefined);
		}
		throw error;
	} finally {
		await early.discard();
	}
}

/** Yields what the waiting yields, and has `early` look whenever something has arrived. */
async function* fetchingMeanwhile(
	session: AgentSession,
	world: World,
	early: Prefetch,
): AsyncGenerator<WaitEvent, string, void> {
	const waiting = waitForManifest(session, world);
	try {
		for (;;) {
			const { done, value } = await waiting.next();
			if (done) return value;
			// At the claim there is nothing yet; but the second connection, beside the poll's, is there for the first part.
			early.look();
			yield value;
		}
	} finally {
		early.end();
		await waiting.return('');
	}
}
