/** The sending half of a job: parts as they are sealed, then the manifest, which is the only "done" there is. */
import * as v from 'valibot';
import { LIMITS, Manifest, PROTOCOL_VERSION } from '../../relay/contract.js';
import { sealManifest } from '../../relay/envelope.js';
import { BrokerError } from '../errors.js';
import { manifestRequest, partRequest, processAcknowledgement, relay } from '../session/relay.js';
import type { Session } from '../session/session.js';
import { ALL, type Job, type Slice } from './job.js';
import type { PartState, Writer } from './writer.js';

const PARTS_IN_FLIGHT = 2;

/** Sends parts while others are still being read and sealed. */
export class Sender {
	private readonly taken = new Set<PartState>();
	private readonly workers = new Set<Promise<void>>();
	private failure: unknown;

	constructor(
		private readonly session: Session,
		private readonly writer: Writer,
	) {}

	/** Makes sure that somebody sends what is sealed and not sent. */
	kick(slice: Slice): void {
		if (this.workers.size >= PARTS_IN_FLIGHT || this.failure) return;
		const worker = this.work(slice)
			.catch((error) => {
				this.failure ??= error;
			})
			.finally(() => this.workers.delete(worker));
		this.workers.add(worker);
	}

	/**
	 * Sends until nothing is left or the slice is over.
	 * @throws {BrokerError} what the relay or the network said first
	 */
	async flush(slice: Slice): Promise<void> {
		this.kick(slice);
		this.kick(slice);
		while (this.workers.size) await Promise.all(this.workers);
		const { failure } = this;
		this.failure = undefined;
		if (failure) throw failure;
	}

	private async work(slice: Slice): Promise<void> {
		while (!slice.signal.aborted && Date.now() < slice.deadline) {
			const part = this.writer.parts.find((candidate) => !candidate.sent && !this.taken.has(candidate));
			if (!part) return;
			this.taken.add(part);
			try {
				await this.sendPart(part, slice.signal);
			} finally {
				this.taken.delete(part);
			}
			slice.progress();
		}
	}

	private async sendPart(part: PartState, signal: AbortSignal): Promise<void> {
		const { sid, secrets, partBytes, maxBytes } = this.session;
		if (!secrets) throw new BrokerError('session_gone');
		const sealedBytes = this.writer.parts.reduce((sum, { size }) => sum + size, 0);
		if (part.size > partBytes || sealedBytes > maxBytes) throw new BrokerError('too_large');
		const octets = await this.writer.octets(part);
		if (octets) {
			const position = { sid, bid: this.writer.bidOf(part), n: part.n };
			const [path, options] = partRequest(position, secrets.owner, octets, part.digest);
			await relay([path, { ...options, signal }], processAcknowledgement);
		}
		await this.writer.markSent(part);
	}
}

/** Seals the manifest of a job whose parts are all sent. */
export async function makeManifest(job: Job, session: Session, parts: PartState[]): Promise<string> {
	if (!session.secrets) throw new BrokerError('session_gone');
	// Checked as the agent will check it: a delivery that it must refuse is not made.
	const manifest = v.parse(Manifest, {
		v: PROTOCOL_VERSION,
		sid: session.sid,
		sentAt: new Date().toISOString(),
		redaction: null,
		sources: job.sources.flatMap((source, index) => {
			const stream = source.streams[ALL];
			if (!stream) return [];
			return {
				name: source.name,
				fhirBaseUrl: source.fhirBaseUrl,
				patient: source.patient,
				fetchedAt: source.fetchedAt,
				bid: stream.bid,
				key: stream.key,
				parts: parts
					.filter((part) => part.source === index)
					.sort((a, b) => a.n - b.n)
					.map(({ digest }) => digest),
				bytes: stream.bytes,
				resources: stream.lines,
				queries: source.queries,
			};
		}),
	});
	const { link, keys } = session.secrets;
	const jwe = await sealManifest(manifest, link.pk, keys);
	if (jwe.length > LIMITS.manifestBytes) throw new BrokerError('too_large');
	return jwe;
}

export async function sendManifest(session: Session, jwe: string): Promise<void> {
	if (!session.secrets) throw new BrokerError('session_gone');
	await relay(manifestRequest(session.sid, session.secrets.owner, jwe), processAcknowledgement);
}
