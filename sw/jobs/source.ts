/** Collects from one connection, within a slice: keeps requests in flight, hands answers to the pure core, lines to the writer. */

import { sinceOf } from '../copy/copy.js';
import { expectedCounts } from '../copy/sizes.js';
import { asBrokerError, BrokerError, isTransient, toWire } from '../errors.js';
import { isDone, leaveOut, nextTasks, settle, startCollect } from '../fhir/collect.js';
import type { Line } from '../fhir/line.js';
import { readings } from '../fhir/readings.js';
import { finishLines, kinds, nothingRead, report, totals } from '../fhir/report.js';
import type { CollectState } from '../fhir/state.js';
import type { Task } from '../fhir/task.js';
import { vendorFhir } from '../fhir/vendors.js';
import { type Access, ATTEMPTS_BUSY, connectionOf, type Fetched, fetchTask, isBusy, type Tried } from './fetch.js';
import { ALL, type Job, type Slice, type Source, type SourceReader } from './job.js';
import { knownCapability, metadataTask, type Offered, readMetadata } from './metadata.js';
import { checkRoom } from './room.js';
import type { Writer } from './writer.js';

/** A browser's own limit of connections to a host (HTTP/1.1). */
const START_IN_FLIGHT = 6;
const MIN_IN_FLIGHT = 1;
/** A few more than that: the next request is there when a connection falls free. */
const MAX_IN_FLIGHT = 10;
/** Of answers in flight, all sources together, as large as the largest lately. */
const MOST_OCTETS_IN_FLIGHT = 16 * 1024 * 1024;
/** Somebody who watches is told of a slow request so often, in ms. */
const TICK_MS = 1000;
/** Without an answer for so long, in ms, a server that asked for quiet holds its source up. */
const STILL_MS = 3000;
const OUTAGE = new Set(['network', 'timeout']);
const MOST_RESTS = 4;
/** How often a server that is busy is asked what it can do, before it is asked for records all the same. */
const ATTEMPTS_METADATA = 4;

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
	/** About how large the largest answers are, in octets; a guess that is soon corrected, as a server may begin with large ones. */
	private answerOctets = 4 * 1024 * 1024;
	/** The server asked for quiet until then. */
	private quietUntil = 0;
	/** When a request was last answered at all. */
	private lastAnswer = 0;
	/** The first thing that stops this source; requests in flight still come in. */
	private failure: BrokerError | undefined;
	private slice: Slice | undefined;
	/** The request for what the server can do, which outlives a slice too. */
	private asking: Promise<Fetched> | undefined;
	/** Whether this run began without an answer to that. */
	private assumed = false;
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
		source.held = null;
		if (source.left) return this.leave(slice);
		this.slice = slice;
		source.error = null;
		try {
			if (!source.collect) await this.begin(slice);
			await this.pump(slice);
			if (!slice.signal.aborted && source.collect && isDone(source.collect)) await this.finish(slice);
		} catch (error) {
			const failure = asBrokerError(error);
			const { code, retryAt } = failure;
			if (isTransient(code)) source.held = retryAt === undefined ? { code } : { code, retryAt };
			else {
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
		const now = Date.now();
		source.kinds = kinds(source.collect, this.inFlight, now);
		Object.assign(source, totals(source.collect));
		if (!this.slice) return;
		const isStill = this.quietUntil > now && this.lastAnswer < now - STILL_MS;
		source.held = isStill ? { code: 'rate_limited', retryAt: this.quietUntil } : null;
	}

	/** Ends it with what there is, of which something is sealed; what was still to be asked for is told as not read. */
	private async leave(slice: Slice): Promise<void> {
		const { source } = this;
		if (source.collect) {
			leaveOut(source.collect);
			await this.end(slice, source.collect);
		} else source.collected = true;
	}

	private async begin(slice: Slice): Promise<void> {
		const { source, job, wants } = this;
		const { connectionId } = source;
		source.step = 'refreshing';
		slice.progress();
		const keeps = job.kind === 'keep';
		const [connection, expected, since] = await Promise.all([
			connectionOf(connectionId, true),
			expectedCounts(connectionId),
			keeps ? sinceOf(connectionId) : {},
		]);
		source.step = 'fetching';
		slice.progress();
		source.fetchedAt = new Date().toISOString();
		const offered = await this.offered(connection, slice);
		if (!offered) return;
		const { capability, unread } = offered;
		this.assumed = capability === null;
		source.mode = Object.keys(since).length > 0 ? 'incremental' : 'full';
		source.fhirVersion = capability?.fhirVersion ?? null;
		source.collect = startCollect({
			fhirBaseUrl: connection.fhirBaseUrl,
			patientId: connection.patientId,
			scope: connection.scope,
			capability,
			unread,
			vendor: vendorFhir(connection.provider.vendor ?? null),
			wants,
			expected,
			since,
			prove: keeps,
		});
	}

	/** What the server says that it can do, asked for with the patience of any request; null where the slice is over first. */
	private async offered(connection: Access, { signal, deadline }: Slice): Promise<Offered | null> {
		const known = knownCapability(connection);
		if (known) return { capability: known };
		const task = metadataTask(connection);
		for (let now = Date.now(); !signal.aborted && now < deadline; now = Date.now()) {
			const tried = this.postponed.get(task.id) ?? { failures: {}, spent: 0, since: now, until: now };
			if (tried.until > now) {
				await this.sleep(Math.min(TICK_MS, tried.until - now, deadline - now));
				continue;
			}
			const patient = (tried.failures.busy ?? 0) + 1 < ATTEMPTS_METADATA;
			this.asking ??= fetchTask(this.source, task, tried, signal, patient).finally(() => this.wake());
			this.asking.catch(() => {
				this.asking = undefined;
			});
			const fetched = await Promise.race([this.asking, this.sleep(deadline - now)]);
			this.wake();
			if (!fetched) continue;
			this.asking = undefined;
			if (fetched.kind === 'postponed') {
				this.postponed.set(task.id, { ...fetched.tried, until: fetched.until, since: tried.since });
				continue;
			}
			this.postponed.delete(task.id);
			const { outcome } = fetched;
			// No answer at all: that is the network's fault, or the server's, which may be back in a moment.
			if (outcome.kind === 'failed' && OUTAGE.has(outcome.code) && this.job.rests <= MOST_RESTS)
				throw new BrokerError(outcome.code === 'timeout' ? 'timeout' : 'network');
			return readMetadata(connection, outcome);
		}
		return null;
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
				// What is in flight is worth its answer, whatever else went wrong, but not beyond the slice.
				if (now >= slice.deadline || (this.failure ? !this.inFlight.size : isDone(state))) break;
				if (!this.failure) this.fill(state, now);
				const soonest = this.soonest(now);
				if (!this.inFlight.size && soonest === Number.POSITIVE_INFINITY) break;
				await this.sleep(Math.min(TICK_MS, soonest - now, Math.max(0, deadline - now)));
				await this.writer.keepUp();
				if (this.job.kind === 'keep') await checkRoom();
				slice.progress();
			}
		} finally {
			signal.removeEventListener('abort', abort);
		}
		if (signal.aborted) return;
		await this.writer.checkpoint();
		const { failure } = this;
		this.failure = undefined;
		// Nothing was answered but what the server can do, and that not well: once it is back, that is asked for again.
		if (failure && this.assumed && this.lastAnswer === 0) this.source.collect = null;
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
		const before = this.postponed.get(task.id) ?? { failures: {}, spent: 0, since: began };
		const fetched = await fetchTask(this.source, task, before, signal, this.storms < ATTEMPTS_BUSY);
		const state = this.source.collect;
		if (signal.aborted || !state) return;
		const { since } = before;
		if (fetched.kind === 'postponed') {
			this.postponed.set(task.id, { ...fetched.tried, until: fetched.until, since });
			if (fetched.busy) this.slowDown(fetched.until, began);
			return;
		}
		this.postponed.delete(task.id);
		const { outcome } = fetched;
		const busy = outcome.kind === 'response' && isBusy(outcome.status);
		if (outcome.kind === 'response' && !busy) {
			this.lastAnswer = Date.now();
			this.storms = 0;
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
			this.storms++;
		}
		this.quietUntil = Math.max(this.quietUntil, until);
	}

	private slowedAt = 0;
	/** How often in a row it was slowed down without any answer: a server may have nothing but this for anybody today. */
	private storms = 0;

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
		await this.end(slice, state);
		source.step = job.kind === 'send' ? 'sending' : 'done';
		slice.progress();
	}

	/** Everything that there will be is here. */
	private async end(slice: Slice, state: CollectState): Promise<void> {
		const { source, job } = this;
		// What could not be read is told in the stream too, and is no record.
		this.deliver(finishLines(state));
		this.tally();
		source.queries = report(state);
		source.readings = readings(state);
		source.collected = true;
		source.collect = null;
		// A session's blob is there even if there was nothing to put in: what could not be read is told with it.
		const streams = job.kind === 'send' ? [ALL] : job.kind === 'keep' ? [] : Object.keys(source.streams);
		for (const name of streams) this.writer.close(this.index, name);
		slice.progress();
		await this.writer.checkpoint();
	}
}
