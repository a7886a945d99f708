/** Collects from one connection, within a slice: keeps requests in flight, hands answers to the pure core, lines to the writer. */
import { asBrokerError, BrokerError, isTransient, toWire } from '../errors.js';
import { readCapability } from '../fhir/capability.js';
import { isDone, nextTasks, settle, startCollect } from '../fhir/collect.js';
import { finishLines, kinds, nothingRead, report, totals } from '../fhir/report.js';
import type { Task } from '../fhir/task.js';
import { vendorFhir } from '../fhir/vendors.js';
import { bodyJson, http } from '../http.js';
import type { Connection } from '../wallet/connections.js';
import { freshConnection } from '../wallet/keeper.js';
import { fetchTask } from './fetch.js';
import { ALL, type Job, type Slice, type Source } from './job.js';
import type { Writer } from './writer.js';

/** The name of the stream a line goes to. */
type Route = (line: string) => string;

const CHECKPOINT_MS = 1000;
const MIN_IN_FLIGHT = 2;
const MAX_IN_FLIGHT = 8;
const OUTAGE = new Set(['network', 'timeout']);
const MOST_RESTS = 4;

export class SourceRun {
	private readonly inFlight = new Map<string, Promise<void>>();
	private readonly postponed = new Map<string, { until: number; attempt: number; since: number }>();
	private limit = 4;
	/** The server asked for quiet until then. */
	private quietUntil = 0;
	/** When a request was last answered at all. */
	private lastAnswer = 0;
	private lastCheckpoint = Date.now();
	/** The first thing that stops this source; requests in flight still come in. */
	private failure: BrokerError | undefined;

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
		this.failure = undefined;
		source.error = null;
		try {
			if (!source.collect) await this.begin(slice);
			await this.pump(slice);
			if (this.failure) throw this.failure;
			if (source.collect && isDone(source.collect)) await this.finish(slice);
		} catch (error) {
			const failure = asBrokerError(error);
			if (!isTransient(failure.code)) {
				source.step = 'failed';
				source.error = toWire(failure);
			}
			throw failure;
		}
	}

	private async begin(slice: Slice): Promise<void> {
		const { source } = this;
		source.step = 'refreshing';
		slice.progress();
		const connection = await freshConnection(source.connectionId);
		source.step = 'fetching';
		slice.progress();
		source.fetchedAt = new Date().toISOString();
		source.collect = startCollect({
			fhirBaseUrl: connection.fhirBaseUrl,
			patientId: connection.patientId,
			scope: connection.scope,
			capability: await readMetadata(connection, slice.signal),
			vendor: vendorFhir(connection.provider.vendor ?? null),
			wants: this.wants,
		});
	}

	private async pump(slice: Slice): Promise<void> {
		const state = this.source.collect;
		if (!state) return;
		const stop = new AbortController();
		const stopped = new Promise<void>((resolve) => {
			slice.signal.addEventListener('abort', () => resolve(), { signal: stop.signal });
		});
		while (!slice.signal.aborted && !this.failure && Date.now() < slice.deadline && !isDone(state)) {
			const now = Date.now();
			const waiting = [...this.postponed].filter(([, { until }]) => until > now);
			const excluded = new Set([...this.inFlight.keys(), ...waiting.map(([id]) => id)]);
			const free = now < this.quietUntil ? 0 : Math.floor(this.limit) - this.inFlight.size;
			for (const task of free > 0 ? nextTasks(state, free, excluded) : []) this.start(task, slice);
			const soonest = Math.min(...waiting.map(([, { until }]) => until));
			const until = Math.min(slice.deadline, Math.max(this.quietUntil, Number.isFinite(soonest) ? soonest : 0));
			if (this.inFlight.size) await Promise.race([stopped, ...this.inFlight.values()]);
			else if (until > now) await Promise.race([stopped, sleep(until - now)]);
			else break;
			if (this.writer.full || Date.now() - this.lastCheckpoint > CHECKPOINT_MS) await this.checkpoint();
		}
		// What is in flight is worth its answer: a worker that is not killed loses nothing at a slice's end.
		await Promise.race([stopped, Promise.all(this.inFlight.values())]);
		stop.abort();
		if (!slice.signal.aborted) await this.checkpoint();
	}

	private start(task: Task, slice: Slice): void {
		const attempt = this.postponed.get(task.id)?.attempt ?? 0;
		const work = this.fetch(task, attempt, slice)
			.catch((error) => {
				this.failure ??= asBrokerError(error);
			})
			.finally(() => this.inFlight.delete(task.id));
		this.inFlight.set(task.id, work);
	}

	private async fetch(task: Task, attempt: number, slice: Slice): Promise<void> {
		const began = Date.now();
		const fetched = await fetchTask(this.source, task, attempt, slice.signal);
		const state = this.source.collect;
		if (slice.signal.aborted || !state) return;
		const since = this.postponed.get(task.id)?.since ?? began;
		if (fetched.kind === 'postponed') {
			this.postponed.set(task.id, { until: fetched.until, attempt: attempt + 1, since });
			if (fetched.busy) {
				this.limit = Math.max(MIN_IN_FLIGHT, this.limit / 2);
				this.quietUntil = Math.max(this.quietUntil, fetched.until);
			}
			return;
		}
		this.postponed.delete(task.id);
		const { outcome } = fetched;
		if (outcome.kind === 'response') this.lastAnswer = Date.now();
		// Nothing at all got through since this began to fail: that is the network's fault, not this query's. Waited for a
		// few times; a server that hangs on one last query must not hold up the rest for ever.
		else if (OUTAGE.has(outcome.code) && this.lastAnswer < since && this.job.rests <= MOST_RESTS)
			throw new BrokerError(outcome.code === 'timeout' ? 'timeout' : 'network');
		this.limit = Math.min(MAX_IN_FLIGHT, this.limit + 1 / this.limit);
		// One turn: the state that knows of the lines, and the lines.
		this.deliver(settle(state, task, outcome).lines);
		this.source.kinds = kinds(state);
		Object.assign(this.source, totals(state));
		slice.progress();
	}

	private deliver(lines: string[]): void {
		const route: Route = this.job.kind === 'send' ? () => ALL : resourceType;
		const byStream = new Map<string, string[]>();
		for (const line of lines) {
			const name = route(line);
			const group = byStream.get(name);
			if (group) group.push(line);
			else byStream.set(name, [line]);
		}
		for (const [name, group] of byStream) this.writer.append(this.index, name, group);
	}

	private async checkpoint(): Promise<void> {
		this.lastCheckpoint = Date.now();
		await this.writer.checkpoint();
	}

	private async finish(slice: Slice): Promise<void> {
		const { source } = this;
		const state = source.collect;
		if (!state) return;
		// A run in which nothing could be read is a failure, never an empty record.
		if (nothingRead(state)) throw new BrokerError('nothing_read');
		source.step = 'encrypting';
		slice.progress();
		const told = finishLines(state);
		this.deliver(told);
		source.queries = report(state);
		source.kinds = kinds(state);
		const { resources, bytes } = totals(state);
		// What could not be read is told in the stream too; the agent counts those lines as well.
		Object.assign(source, { resources: resources + told.length, bytes });
		source.collected = true;
		source.collect = null;
		// A session's blob is there even if there was nothing to put in: what could not be read is told with it.
		const streams = this.job.kind === 'send' ? [ALL] : Object.keys(source.streams);
		for (const name of streams) this.writer.close(this.index, name);
		await this.checkpoint();
		source.step = this.job.kind === 'send' ? 'sending' : 'done';
		slice.progress();
	}
}

/** The resource type of a line, for the file of a download that it goes to. */
function resourceType(line: string): string {
	const early = /^\{\s*"resourceType"\s*:\s*"([A-Za-z]{1,64})"/.exec(line)?.[1];
	if (early) return early;
	const type: unknown = JSON.parse(line).resourceType;
	return typeof type === 'string' && /^[A-Za-z]{1,64}$/.test(type) ? type : 'Unknown';
}

/** Null where it cannot be read: US Core's searches are assumed then, and each reports for itself. */
async function readMetadata(connection: Connection, signal: AbortSignal) {
	const headers = {
		Accept: vendorFhir(connection.provider.vendor ?? null).accept ?? 'application/fhir+json',
		Authorization: `Bearer ${connection.accessToken}`,
	};
	try {
		const answer = await http(`${connection.fhirBaseUrl}/metadata`, {
			headers,
			signal,
			timeout: 30_000,
			maxBytes: 16 * 2 ** 20,
		});
		return answer.status === 200 ? readCapability(bodyJson(answer)) : null;
	} catch (error) {
		if (asBrokerError(error).code === 'offline') throw error;
		return null;
	}
}

function sleep(ms: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
}
