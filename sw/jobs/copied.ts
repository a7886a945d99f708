/** Reads one source from the copy on this device: the same lines as from the provider, with no request. */
import type { KindProgress } from '../contract.js';
import { type Copy, getCopy } from '../copy/copy.js';
import { Selection } from '../copy/select.js';
import { asBrokerError, BrokerError, isTransient, toWire } from '../errors.js';
import { outcomeLines, typeOfQuery } from '../fhir/report.js';
import { UNREACHED } from '../fhir/wanted.js';
import { getConnection } from '../wallet/connections.js';
import { ALL, type Job, type Slice, type Source, type SourceReader } from './job.js';
import type { Writer } from './writer.js';

const BLANK = { count: 0, bytes: 0, ms: 0, slowSince: null };
const refused = (type: string): KindProgress => ({ type, ...BLANK, of: null, keptFrom: null, status: 'refused' });

export class CopiedRun implements SourceReader {
	/** Where this worker is; one that takes over looks again at what the selection depends on. */
	private at: { selection: Selection; steps: ReturnType<Selection['steps']>; done: number } | undefined;

	constructor(
		private readonly job: Job,
		private readonly index: number,
		private readonly writer: Writer,
		/** As with `SourceRun`. */
		private readonly wants: readonly string[],
	) {}

	private get source(): Source {
		return this.job.sources[this.index]!;
	}

	/** @throws {BrokerError} `copy_gone` where there is none, or no longer; trying again then begins with the one that there is */
	async run(slice: Slice): Promise<void> {
		const { source } = this;
		if (source.collected) return;
		source.error = null;
		try {
			await this.read(source.copied?.copy ?? (await this.begin()), slice);
		} catch (error) {
			// The step that failed counts as not taken.
			this.at = undefined;
			const failure = asBrokerError(error);
			if (!isTransient(failure.code)) {
				source.step = 'failed';
				source.error = toWire(failure);
			}
			throw failure;
		}
	}

	/** Notes which copy is read, so that nobody deletes it before the end. */
	private async begin(): Promise<Copy> {
		const { source } = this;
		for (;;) {
			const copy = await this.current();
			Object.assign(source, { copied: { copy, done: 0 }, resources: 0, bytes: 0 });
			source.fetchedAt = new Date(copy.at).toISOString();
			source.fhirVersion = copy.fhirVersion;
			source.step = 'fetching';
			source.kinds = this.kinds(copy);
			await this.writer.checkpoint();
			// It may have been replaced before that was written.
			if ((await this.current()).at === copy.at) return copy;
		}
	}

	private async current(): Promise<Copy> {
		const connection = await getConnection(this.source.connectionId);
		const copy = connection && (await getCopy(connection));
		if (!copy) throw new BrokerError('copy_gone');
		return copy;
	}

	/** One part at a time: where it stands and the part's lines belong to the same checkpoint. */
	private async read(copy: Copy, slice: Slice): Promise<void> {
		const { source, writer } = this;
		const selection = this.at?.selection ?? new Selection(copy, this.wants);
		this.at ??= { selection, steps: selection.steps(), done: 0 };
		for (;;) {
			if (slice.signal.aborted) return;
			if (Date.now() >= slice.deadline) return writer.checkpoint();
			const { value: step } = this.at.steps.next();
			if (!step) break;
			const again = this.at.done++ < (source.copied?.done ?? 0);
			if (again && !selection.matters(step)) continue;
			const lines = await selection.take(step);
			if (again) continue;
			// One turn.
			source.copied = { copy, done: this.at.done };
			this.deliver(step.type, lines);
			slice.progress();
			writer.dirty = true;
			await writer.keepUp();
		}
		await this.finish(selection, slice);
	}

	private deliver(type: string, lines: readonly { id: string | null; octets: Uint8Array }[]): void {
		const { source } = this;
		const bytes = lines.reduce((sum, { octets }) => sum + octets.length + 1, 0);
		const kind = source.kinds.find((one) => one.type === type);
		if (kind) Object.assign(kind, { count: kind.count + lines.length, bytes: kind.bytes + bytes, status: 'loading' });
		source.resources += lines.length;
		source.bytes += bytes;
		const name = this.job.kind === 'send' ? ALL : type;
		this.writer.append(
			this.index,
			name,
			lines.map(({ id, octets }) => ({ type, id, octets })),
		);
	}

	private async finish(selection: Selection, slice: Slice): Promise<void> {
		const { source, job } = this;
		const { copy } = source.copied ?? {};
		if (!copy) throw new BrokerError('copy_gone');
		source.step = 'encrypting';
		slice.progress();
		const counts = Object.fromEntries(source.kinds.map(({ type, count }) => [type, count]));
		source.queries = selection.reports(this.wants, counts);
		const told = outcomeLines(source.queries);
		this.writer.append(this.index, job.kind === 'send' ? ALL : 'OperationOutcome', told);
		const unreached = new Set(
			source.queries.filter(({ reason }) => reason === UNREACHED.reason).map(({ query }) => typeOfQuery(query)),
		);
		source.kinds = source.kinds.map((kind) => {
			if (unreached.delete(kind.type)) return { ...kind, status: 'refused' };
			const { status } = copy.types[kind.type] ?? kind;
			return { ...kind, status: status === 'ok' && kind.count === 0 ? 'empty' : status };
		});
		source.kinds.push(...[...unreached].map(refused));
		source.collected = true;
		source.copied = null;
		// As with a provider: the blob is there even if there was nothing to put in.
		const streams = job.kind === 'send' ? [ALL] : Object.keys(source.streams);
		for (const name of streams) this.writer.close(this.index, name);
		await this.writer.checkpoint();
		source.step = job.kind === 'send' ? 'sending' : 'done';
		slice.progress();
	}

	private kinds(copy: Copy): KindProgress[] {
		const selection = new Selection(copy, this.wants);
		const types = new Set([...selection.steps()].map(({ type }) => type));
		for (const type of Object.keys(copy.types)) if (selection.isWhole(type)) types.add(type);
		const missing = selection.missing(this.wants).map(refused);
		const known = Object.keys(copy.types).flatMap((type) => {
			const of = copy.types[type];
			if (!of || !types.has(type)) return [];
			const keptFrom = of.at < copy.at && of.count > 0 ? of.at : null;
			const count = selection.isWhole(type) ? of.count : null;
			return { type, ...BLANK, of: count, keptFrom, status: 'waiting' as const };
		});
		return [...known, ...missing];
	}
}
