/** The sending half of a job: parts as they are sealed, then the manifest, which is the only "done" there is. */
import * as v from 'valibot';
import { LIMITS, Manifest, PROTOCOL_VERSION } from '../../relay/contract.js';
import { sealManifest } from '../../relay/envelope.js';
import { asBrokerError, BrokerError, isTransient } from '../errors.js';
import { boundReports } from '../fhir/report.js';
import { manifestRequest, partRequest, processAcknowledgement, relay } from '../session/relay.js';
import type { Session } from '../session/session.js';
import { ALL, type Job, type Slice } from './job.js';
import type { PartState, Writer } from './writer.js';

/** More than one hides the way there and back; more than this do not help. */
const PARTS_IN_FLIGHT = 4;
const OCTETS_IN_FLIGHT = 12 * 1024 * 1024;

/** Of the manifest, for the names of what is missing, all sources together. */
const NAMES_CHARACTERS = 320 * 1024;

/** Sends parts while others are still being read and sealed. What is under way at a slice's end is the next slice's. */
export class Sender {
	private readonly taken = new Set<PartState>();
	private readonly workers = new Set<Promise<void>>();
	private failure: unknown;
	private slice: Slice | undefined;

	constructor(
		private readonly session: Session,
		private readonly writer: Writer,
	) {}

	/** From here on parts are sent as they are sealed. */
	begin(slice: Slice): void {
		this.slice = slice;
		this.writer.onParts = () => this.kick();
		this.kick();
	}

	/** Makes sure that as many as make sense send what is sealed and not sent. */
	private kick(): void {
		while (!this.failure && this.workers.size < PARTS_IN_FLIGHT && this.next()) {
			const worker = this.work()
				.catch((error) => {
					this.failure ??= error;
					// Nothing more can be sent, so nothing more need be read.
					if (this.slice && !isTransient(asBrokerError(error).code)) this.slice.deadline = 0;
				})
				.finally(() => this.workers.delete(worker));
			this.workers.add(worker);
		}
	}

	/** The next part, if it may go now. */
	private next(): PartState | undefined {
		const { slice, taken } = this;
		if (!slice || slice.signal.aborted || Date.now() >= slice.deadline) return undefined;
		const part = this.writer.parts.find((candidate) => !candidate.sent && !taken.has(candidate));
		const octets = [...taken].reduce((sum, { size }) => sum + size, part?.size ?? 0);
		return taken.size === 0 || octets <= OCTETS_IN_FLIGHT ? part : undefined;
	}

	/**
	 * Sends until nothing is left or the slice is over.
	 * @throws {BrokerError} what the relay or the network said first
	 */
	async flush(slice: Slice): Promise<void> {
		this.kick();
		const over = sleepUntil(slice);
		while (this.workers.size && !over.is) await Promise.race([over.promise, Promise.all(this.workers)]);
		over.clear();
		const { failure } = this;
		// Others under way may still bring their parts through: they are waited for by the next flush.
		this.failure = undefined;
		if (failure) throw failure;
	}

	private async work(): Promise<void> {
		for (let part = this.next(); part; part = this.next()) {
			this.taken.add(part);
			try {
				await this.sendPart(part, this.slice!.signal);
			} finally {
				this.taken.delete(part);
			}
			this.slice?.progress();
			// There may be room for more than one now.
			this.kick();
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
				...(source.fhirVersion && { fhirVersion: source.fhirVersion.slice(0, 20) }),
				bid: stream.bid,
				key: stream.key,
				parts: parts
					.filter((part) => part.source === index)
					.sort((a, b) => a.n - b.n)
					.map(({ digest }) => digest),
				bytes: stream.bytes,
				resources: stream.lines,
				queries: boundReports(source.queries, NAMES_CHARACTERS / job.sources.length),
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

/** The end of a slice, or its being cancelled, as a promise that leaves no timer behind. */
function sleepUntil({ deadline, signal }: Slice) {
	const over = { is: false, promise: Promise.resolve(), clear: () => {} };
	over.promise = new Promise<void>((resolve) => {
		const end = () => {
			over.is = true;
			resolve();
		};
		const timer = setTimeout(end, Math.max(0, deadline - Date.now()));
		if (signal.aborted) end();
		signal.addEventListener('abort', end);
		over.clear = () => {
			clearTimeout(timer);
			signal.removeEventListener('abort', end);
		};
	});
	return over;
}
