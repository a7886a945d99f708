/** The end of a session: wait, open, verify, write, and only then delete the session and wipe its keys. */
import { CAPS, type Caps, openDelivery, readSource } from './delivery.js';
import { isFinal, isInvalidDelivery } from './errors.js';
import { checkInterrupted, realWorld, type World } from './exchange.js';
import { wipeSessionFile } from './keyfile.js';
import { type Index, type SourceEntry, SourceWriter, writeIndex } from './records.js';
import { type AgentSession, closeSession, type WaitEvent, waitForManifest } from './session.js';
import { checkOutputFree, Staging } from './staging.js';

export interface ReceiveOptions {
	/** The output folder. */
	out: string;
	/** Replace an earlier delivery. */
	force?: boolean;
	caps?: Caps;
	world?: World;
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
 * @throws {AgentError}
 */
export async function* receive(
	session: AgentSession,
	manifest: string,
	{ out, force = false, caps = CAPS, world = realWorld }: ReceiveOptions,
): AsyncGenerator<ReceivingEvent, Index, void> {
	checkOutputFree(out, force);
	const { sentAt, redaction, sources } = await openDelivery(session, manifest, caps);
	const totalParts = sources.reduce((sum, source) => sum + source.parts.length, 0);
	const staging = await Staging.create(out);
	try {
		const entries: SourceEntry[] = [];
		let bytes = 0;
		let parts = 0;
		for (const [position, source] of sources.entries()) {
			const writer = new SourceWriter(staging, position, source);
			await writer.start();
			for await (const { ndjson, sealedBytes } of readSource(session, source, world, caps)) {
				await writer.add(ndjson);
				bytes += sealedBytes;
				yield { event: 'receiving', bytes, parts: ++parts, totalParts };
			}
			entries.push(writer.finish());
		}
		const index: Index = { v: 1, sentAt, receivedAt: new Date(world.now()).toISOString(), redaction, sources: entries };
		await writeIndex(staging, index);
		checkInterrupted(world);
		const folders = entries.map(({ folder }) => folder);
		await staging.commit(folders, force);
		return index;
	} finally {
		await staging.discard();
	}
}

/**
 * Waits for a delivery and takes it in. The session and its file go when the delivery is written, or when nothing more
 * can come of them (`isFinal`); after any other error both stay, for another try.
 * @throws {AgentError}
 */
export async function* follow(
	session: AgentSession,
	options: ReceiveOptions & { sessionFile: string },
): AsyncGenerator<WaitEvent | ReceivingEvent, { index: Index; closed: boolean }, void> {
	const { world = realWorld, sessionFile } = options;
	try {
		checkOutputFree(options.out, options.force);
		const manifest = yield* waitForManifest(session, world);
		const index = yield* receive(session, manifest, options);
		const closed = await closeSession(session, world);
		await wipeSessionFile(sessionFile);
		return { index, closed };
	} catch (error) {
		if (isFinal(error)) {
			if (isInvalidDelivery(error)) await closeSession(session, world);
			// Why the delivery failed matters more than a session file that cannot be wiped: its keys open nothing now.
			await wipeSessionFile(sessionFile).catch(() => undefined);
		}
		throw error;
	}
}
