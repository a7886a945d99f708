/** Collects from one connection, within a slice: keeps requests in flight, hands answers to the pure core, lines to the writer. */

import { sinceOf } from '../copy/copy.js';
import { expectedCounts } from '../copy/sizes.js';
import { asBrokerError, BrokerError, isTransient, toWire } from '../errors.js';
import { isDone, nextTasks, settle, startCollect } from '../fhir/collect.js';
import type { Line } from '../fhir/line.js';
import { readings } from '../fhir/readings.js';
import { finishLines, kinds, nothingRead, report, totals } from '../fhir/report.js';
import type { CollectState } from '../fhir/state.js';
import type { Task } from '../fhir/task.js';
import { vendorFhir } from '../fhir/vendors.js';
import { connectionOf, fetchTask, isBusy, type Tried } from './fetch.js';
import { ALL, type Job, type Slice, type Source, type SourceReader } from './job.js';
import { knownCapability, readMetadata } from './metadata.js';
import type { Writer } from './writer.js';

/** A browser's own limit of connections to a host (HTTP/1.1). */
const START_IN_FLIGHT = 6;
const MIN_IN_FLIGHT = 1;
/** A few more than that: the next request is there when a connection falls free. */
const MAX_IN_FLIGHT = 10;
/** Of answers in flight, all sources together, as large as the largest lately. */
const MOST_OCTETS_IN_FLIGHT = 32 * 1024 * 1024;
/** Somebody who watches is told of a slow request so often, in ms. */
const TICK_MS = 1000;
const OUTAGE = new Set(['network', 'timeout']);
const MOST_RESTS = 4;

/** A task that is tried again later. `since`: when it was first tried. */
interface Postponed extends Tried {
	until: number;
	since: number;
}

/** About how many octets are on their way, all sources together. */
let octetsInFlight = 0;

export class SourceRun implements SourceReader {
	/** Since when each task is out. A request outlives its slice: the next one goes on with it. */
	private readonly inFlight = new Map<string, number>();
	private readonly postponed = new Map<string, Postponed>();
	private limit = START_IN_FLIGHT;
	/** About how large the largest answers are, in octets. */
	private answerOctets = 64 * 1024;
	/** The server asked for quiet until then. */
	private quietUntil = 0;
	/** When a request was last answered at all. */
	private lastAnswer = 0;
	/** The first thing that stops this source; requests in flight still come in. */
	private failure: BrokerError | undefined;
	private slice: Slice | undefined;
	/** Makes whoever waits in `pump` look again. */
	private wake: () => void = () => {};

	constructor(
		private readonly job: Job,
		private readonly index: number,
		private readonly writer: Writer,
		/** The types that a session asked for, which is all that is read for it; empty for everything. */
		private readonly wants: readonly string[],
	) {}

	private get source(): Source {
		return this.job.sources[this.index]!;
	}

	/**
	 * Runs until everything is read or the slice is over.
	 * @throws {BrokerError} what stops the source; `source.error` has it too, unless it passes by itself
	 */
	async run(slice: Slice): Promise<void> {
		const { source } = this;
		if (source.collected) return;
		this.slice = slice;
		source.error = null;
		try {
			if (!source.collect) await this.begin(slice);
			await this.pump(slice);
			if (!slice.signal.aborted && source.collect && isDone(source.collect)) await this.finish(slice);
		} catch (error) {
			const failure = asBrokerError(error);
			if (!isTransient(failure.code)) {
				source.step = 'failed';
				source.error = toWire(failure);
			}
			throw failure;
		} finally {
			this.slice = undefined;
		}
	}

	tally(): void {
		const { source } = this;
		if (!source.collect) return;
		source.kinds = kinds(source.collect, this.inFlight, Date.now());
		Object.assign(source, totals(source.collect));
	}

	private async begin(slice: Slice): Promise<void> {
		const { source, job, wants } = this;
		const { connectionId } = source;
		source.step = 'refreshing';
		slice.progress();
		const keeps = job.kind === 'keep';
		const [connection, expected, since] = await Promise.all([
			connectionOf(connectionId),
			expectedCounts(connectionId),
			keeps ? sinceOf(connectionId) : {},
		]);
		source.step = 'fetching';
		slice.progress();
		source.fetchedAt = new Date().toISOString();
		let capability = knownCapability(connection);
		if (!capability) {
			source.requests++;
			capability = await readMetadata(connection, 30_000, slice.signal);
		}
		source.fhirVersion = capability?.fhirVersion ?? null;
		source.collect = startCollect({
			fhirBaseUrl: connection.fhirBaseUrl,
			patientId: connection.patientId,
			scope: connection.scope,
			capability,
			vendor: vendorFhir(connection.provider.vendor ?? null),
			wants,
			expected,
			since,
			prove: keeps,
		});
	}

	private async pump(slice: Slice): Promise<void> {
		const state = this.source.collect;
		if (!state) return;
		const { signal, deadline } = slice;
		const abort = () => this.wake();
		signal.addEventListener('abort', abort);
		try {
			while (!signal.aborted) {
				const now = Date.now();
				// What is in flight is worth its answer, whatever else went wrong.
				if (this.failure ? !this.inFlight.size : now >= slice.deadline || isDone(state)) break;
				if (!this.failure) this.fill(state, now);
				const soonest = this.soonest(now);
				if (!this.inFlight.size && soonest === Number.POSITIVE_INFINITY) break;
				const asleep = this.sleep(Math.min(TICK_MS, soonest - now, Math.max(0, deadline - now)));
				// Begun after `sleep`, so that no answer comes in unseen.
				await asleep;
				await this.writer.keepUp();
				slice.progress();
			}
		} finally {
			signal.removeEventListener('abort', abort);
		}
		if (signal.aborted) return;
		await this.writer.checkpoint();
		const { failure } = this;
		this.failure = undefined;
		if (failure) throw failure;
	}

	/** Starts what there is room for. */
	private fill(state: CollectState, now: number): void {
		if (now < this.quietUntil) return;
		const byOctets = Math.floor((MOST_OCTETS_IN_FLIGHT - octetsInFlight) / this.answerOctets);
		const room = Math.min(Math.floor(this.limit) - this.inFlight.size, byOctets);
		const free = this.inFlight.size ? room : Math.max(1, room);
		if (free <= 0) return;
		const excluded = new Set(this.inFlight.keys());
		for (const [id, { until }] of this.postponed) if (until > now) excluded.add(id);
		for (const task of nextTasks(state, free, excluded)) this.start(task, now);
	}

	/** When something that was put off may be started. */
	private soonest(now: number): number {
		const times = [this.quietUntil, ...[...this.postponed.values()].map(({ until }) => until)];
		return Math.min(...times.filter((at) => at > now));
	}

	private sleep(ms: number): Promise<void> {
		return new Promise((resolve) => {
			const timer = setTimeout(resolve, ms);
			this.wake = () => {
				clearTimeout(timer);
				resolve();
			};
		});
	}

	private start(task: Task, now: number): void {
		const signal = this.slice?.signal;
		if (!signal) return;
		const octets = this.answerOctets;
		octetsInFlight += octets;
		this.inFlight.set(task.id, now);
		this.fetch(task, now, signal)
			.catch((error) => {
				this.failure ??= asBrokerError(error);
			})
			.finally(() => {
				octetsInFlight -= octets;
				this.inFlight.delete(task.id);
				this.wake();
			});
	}

	private async fetch(task: Task, began: number, signal: AbortSignal): Promise<void> {
		const before = this.postponed.get(task.id) ?? { attempt: 0, spent: 0, since: began };
		const fetched = await fetchTask(this.source, task, before, signal);
		const state = this.source.collect;
		if (signal.aborted || !state) return;
		const { attempt, since } = before;
		if (fetched.kind === 'postponed') {
			const spent = before.spent + Date.now() - began;
			this.postponed.set(task.id, { until: fetched.until, attempt: attempt + 1, spent, since });
			if (fetched.busy) this.slowDown(fetched.until, began);
			return;
		}
		this.postponed.delete(task.id);
		const { outcome } = fetched;
		const busy = outcome.kind === 'response' && isBusy(outcome.status);
		if (outcome.kind === 'response' && !busy) {
			this.lastAnswer = Date.now();
			this.answerOctets = Math.max(64 * 1024, outcome.bytes.length, this.answerOctets * 0.9);
			this.limit = Math.min(MAX_IN_FLIGHT, this.limit + 1 / this.limit);
		} else if (this.lastAnswer < since && this.job.rests <= MOST_RESTS) {
			// Nothing at all got through since this began to fail: that is the network's fault, or the server's, not this query's.
			// Waited for a few times; a server that hangs on one last query must not hold up the rest for ever.
			if (busy) throw new BrokerError('rate_limited');
			if (outcome.kind === 'failed' && OUTAGE.has(outcome.code))
				throw new BrokerError(outcome.code === 'timeout' ? 'timeout' : 'network');
		}
		// One turn: the state that knows of the lines, and the lines.
		this.deliver(settle(state, task, outcome).lines);
		this.writer.dirty = true;
	}

	/** Half as much at once, and for now nothing: once for all that were refused together. */
	private slowDown(until: number, began: number): void {
		if (began >= this.slowedAt) {
			this.limit = Math.max(MIN_IN_FLIGHT, this.limit / 2);
			this.slowedAt = Date.now();
		}
		this.quietUntil = Math.max(this.quietUntil, until);
	}

	private slowedAt = 0;

	private deliver(lines: Line[]): void {
		const byStream = new Map<string, Line[]>();
		for (const line of lines) {
			const name = this.job.kind === 'send' ? ALL : line.type;
			const group = byStream.get(name);
			if (group) group.push(line);
			else byStream.set(name, [line]);
		}
		for (const [name, group] of byStream) this.writer.append(this.index, name, group);
	}

	private async finish(slice: Slice): Promise<void> {
		const { source, job } = this;
		const state = source.collect;
		if (!state) return;
		// A run in which nothing could be read is a failure, never an empty record.
		if (nothingRead(state)) throw new BrokerError('nothing_read');
		source.step = 'encrypting';
		const told = finishLines(state);
		this.deliver(told);
		this.tally();
		source.queries = report(state);
		source.readings = readings(state);
		// What could not be read is told in the stream too; the agent counts those lines as well.
		source.resources += told.length;
		source.collected = true;
		source.collect = null;
		// A session's blob is there even if there was nothing to put in: what could not be read is told with it.
		const streams = job.kind === 'send' ? [ALL] : job.kind === 'keep' ? [] : Object.keys(source.streams);
		for (const name of streams) this.writer.close(this.index, name);
		slice.progress();
		await this.writer.checkpoint();
		source.step = job.kind === 'send' ? 'sending' : 'done';
		slice.progress();
	}
}
