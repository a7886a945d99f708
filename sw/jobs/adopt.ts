/** The third end of a job: what was read becomes the copy on this device. */
import { isUnread } from '../contract.js';
import { type Copy, type CopyType, copyKey, historyKey, isOf } from '../copy/copy.js';
import { type History, withEntry } from '../copy/history.js';
import { type Index, type IndexRow, indexKey, indexRow, makeIndex, readIndex } from '../copy/lines.js';
import { isDoubted, mergeIndex, mergeReports } from '../copy/merge.js';
import { sweep } from '../copy/sweep.js';
import { BrokerError } from '../errors.js';
import type { Reading } from '../fhir/readings.js';
import { typeOfQuery } from '../fhir/report.js';
import { allows, readScopes } from '../fhir/scopes.js';
import { referencedTypes } from '../fhir/searches.js';
import { isReferred } from '../fhir/wanted.js';
import { noted } from '../wallet/activity.js';
import { type Connection, connectionKey } from '../wallet/connections.js';
import { keysBelow } from '../wallet/db.js';
import { type Change, Conflict, commit, read } from '../wallet/rows.js';
import { type Job, jobKey, type Slice, type Source } from './job.js';
import type { Writer } from './writer.js';

/** Told of a reading by the reports of a copy, whenever one is read: not kept as lines. */
const OUTCOMES = 'OperationOutcome';

/**
 * Merges what was read with the copy that is there, and puts it in its place. Old lines are not touched: an index says which count. In
 * one transaction the copy and its history are written and the job's row goes, so that the parts belong to the one or the other.
 * @returns whether it is done; else the slice is over
 * @throws {BrokerError} `connection_unknown` where no copy is to be kept any more, or another patient's
 */
export async function adopt(job: Job, writer: Writer, slice: Slice): Promise<boolean> {
	const source = job.sources[0] as Source;
	const open = Object.entries(source.streams).filter(([, { closed }]) => !closed);
	for (const [type] of open) writer.close(0, type);
	if (open.length > 0) await writer.checkpoint();
	const indexed = new Set((await keysBelow(['index', job.id])).map(([, , , type]) => type));
	for (const type of Object.keys(source.streams)) {
		if (type === OUTCOMES || indexed.has(type)) continue;
		if (slice.signal.aborted || Date.now() >= slice.deadline) return false;
		const index = await makeIndex(type, streamOf(job, type), slice.signal);
		if (!index) return false;
		await commit([{ key: indexKey(job.id, type), value: index }, still(job, writer)]);
	}
	for (;;) {
		if (slice.signal.aborted) return false;
		try {
			await commit(await replace(job, source, writer));
			break;
		} catch (error) {
			// The connection may have been refreshed in between; a job that somebody else went on with, or ended, is theirs.
			if (!(error instanceof Conflict) || (await read(jobKey(job.id)))?.revision !== writer.revision) throw error;
		}
	}
	await sweep().catch(() => undefined);
	return true;
}

const still = ({ id }: Job, { revision }: Writer): Change => ({ key: jobKey(id), expect: revision });

function streamOf(job: Job, type: string) {
	const { bid, key, parts } = (job.sources[0] as Source).streams[type]!;
	return { job: job.id, bid, key, parts };
}

async function replace(job: Job, source: Source, writer: Writer): Promise<Change[]> {
	const id = source.connectionId;
	const connection = await read<Connection>(connectionKey(id));
	const row = await read<Copy>(copyKey(id));
	const history = await read<History>(historyKey(id));
	const about = { fhirBaseUrl: source.fhirBaseUrl, patientId: source.patient.id };
	if (!connection?.value.keep || !isOf(about, connection.value)) throw new BrokerError('connection_unknown');
	const before = row && isOf(row.value, connection.value) ? row.value : undefined;
	const merging = new Merging(job, source, before, connection.value.scope);
	const indexes = await merging.run();
	const { types, changes, mode } = merging;
	const { scope } = connection.value;
	const { bytes, requests, fhirVersion } = source;
	const { at } = merging;
	const others = source.queries.filter((report) => !Object.hasOwn(types, typeOfQuery(report.query)));
	// Another version of FHIR, or other scopes: what is read of changes alone may be of another shape.
	const same = before && before.fhirVersion === fhirVersion && before.scope === scope;
	const fullAt = mode === 'full' ? at : same ? before.fullAt : 0;
	const copy: Copy = { connectionId: id, ...about, scope, fhirVersion, at, fullAt, types, others };
	const ended = Date.now();
	const status = Object.values(types).some((type) => isUnread(type)) ? 'partial' : 'ok';
	const times = { at: ended, ms: ended - job.startedAt };
	const entry = { ...times, mode, status, ...changes, bytes, requests, error: null } as const;
	return [
		{ key: jobKey(job.id), expect: writer.revision, remove: true },
		{ below: ['chunk', job.id] },
		{ key: connectionKey(id), expect: connection.revision },
		{ key: copyKey(id), expect: row?.revision ?? 0, value: copy },
		{ key: historyKey(id), expect: history?.revision ?? 0, value: withEntry(history?.value, entry) },
		...indexes,
		...(await noted({
			what: 'copied',
			at: ended,
			providerName: source.name,
			connectionId: id,
			kinds: source.kinds.filter(({ count }) => count > 0),
		})),
	];
}

/** The copy's types as they are with what was read. */
class Merging {
	readonly types: Record<string, CopyType> = {};
	readonly changes = { added: 0, changed: 0, removed: 0 };
	readonly mode: 'full' | 'incremental';
	readonly at: number;
	private readonly writes: Change[] = [];
	/** Types that the copy holds something of and that could not be asked for this time. */
	private readonly unasked = new Set<string>();

	constructor(
		private readonly job: Job,
		private readonly source: Source,
		private readonly before: Copy | undefined,
		private readonly scope: string,
	) {
		this.at = Date.parse(source.fetchedAt);
		this.mode = source.readings.some(({ how }) => how === 'since') ? 'incremental' : 'full';
	}

	/** @returns the indexes to write */
	async run(): Promise<Change[]> {
		const { before, source } = this;
		const types = new Set([
			...source.kinds.map(({ type }) => type),
			...source.readings.map(({ type }) => type),
			...Object.keys(source.streams),
			...Object.keys(before?.types ?? {}),
		]);
		types.delete(OUTCOMES);
		for (const [type, { count }] of Object.entries(before?.types ?? {}))
			if (count > 0 && !this.wasAsked(type) && this.notAsked(type)) this.unasked.add(type);
		for (const type of types) await this.merge(type);
		return this.writes;
	}

	private wasAsked(type: string): boolean {
		const { readings, streams, queries } = this.source;
		return (
			readings.some((one) => one.type === type) ||
			Object.hasOwn(streams, type) ||
			queries.some((report) => typeOfQuery(report.query) === type)
		);
	}

	/** Why a type that the copy has was not asked for: it may not, or cannot, be any more. Null where only references lead to it. */
	private notAsked(type: string): { status: 'refused' | 'failed'; reason: string } | null {
		const grant = readScopes(this.scope);
		if (!allows(grant, 'read', type) && !allows(grant, 'search', type))
			return { status: 'refused', reason: 'not_granted' };
		if (isReferred(type)) return null;
		// What the server can do could not be read: it did not say that it has none.
		const unread = this.source.queries.find(({ query }) => query === 'CapabilityStatement')?.reason;
		return unread ? { status: 'failed', reason: unread } : { status: 'refused', reason: 'not_offered' };
	}

	/** What was not asked for stays as it is, and says so where it used to be; but for documents where there are no more. */
	private keep(type: string, old: CopyType): void {
		const { unasked, source, types } = this;
		if (type === 'Binary' && unasked.size === 0 && source.readings.every(({ how }) => how === 'all')) {
			this.changes.removed += old.count;
			return;
		}
		if (old.count === 0) return;
		const why = this.notAsked(type);
		const keptFrom = new Date(old.at).toISOString();
		if (!why) types[type] = { ...old, reports: old.reports.map((report) => ({ keptFrom, ...report })) };
		else {
			types[type] = { ...old, status: why.status, reports: [{ query: type, count: 0, ...why, keptFrom }] };
		}
	}

	/** What types that are kept refer to is not gone either. */
	private howOf(type: string, how: Reading['how']): Reading['how'] {
		const referred = referencedTypes.includes(type) || type === 'Binary';
		return how === 'all' && referred && this.unasked.size > 0 ? 'some' : how;
	}

	private async merge(type: string): Promise<void> {
		const { job, source, before } = this;
		const old = before && Object.hasOwn(before.types, type) ? before.types[type] : undefined;
		const reading = source.readings.find((one) => one.type === type);
		const read = Object.hasOwn(source.streams, type);
		// What nobody vouches for never takes the place of anything.
		const how = this.howOf(type, reading?.how ?? (read ? 'some' : 'none'));
		const said = source.kinds.find((kind) => kind.type === type)?.status;
		const own = source.queries.filter((report) => typeOfQuery(report.query) === type);
		if (!this.wasAsked(type) && old) return this.keep(type, old);
		const nothing = { index: new Map() as Index, text: 0 };
		const fresh = read ? await readIndex(job.id, type) : nothing;
		const known = old && (read || how === 'all') ? await readIndex(old.index, type) : nothing;
		const merged = mergeIndex(how, known.index, old?.streams.length ?? 0, fresh.index);
		this.changes.added += merged.added;
		this.changes.changed += merged.changed;
		this.changes.removed += merged.removed;
		const streams = [...(old?.streams ?? []), ...(read ? [streamOf(job, type)] : [])];
		const untouched = old && how !== 'all' && merged.added + merged.changed === 0;
		const text = fresh.text + (old && how !== 'all' ? old.text : 0);
		const size = untouched ? old : { ...sizeOf(merged.index), text };
		const place = untouched ? old : { index: job.id, streams: merged.streams.map((n) => streams[n]!) };
		const bad = said !== undefined && isUnread({ status: said });
		const kept = old && old.count > 0 && how !== 'all' ? new Date(old.at).toISOString() : null;
		this.types[type] = {
			index: place.index,
			streams: place.streams,
			count: size.count,
			bytes: size.bytes,
			text: Math.min(size.text, size.bytes),
			at: old && (bad || (kept && isDoubted(how, own))) ? old.at : this.at,
			status: bad ? said : size.count > 0 ? 'ok' : 'empty',
			latest: how === 'all' ? (reading?.latest ?? null) : latest(old?.latest, reading?.latest),
			incremental: reading?.incremental ?? old?.incremental ?? false,
			reports: mergeReports(how, old?.reports ?? [], own, kept, size.count),
		};
		if (untouched) return;
		const value: IndexRow = indexRow(merged.index, text);
		this.writes.push({ key: indexKey(job.id, type), value });
	}
}

function sizeOf(index: Index): { count: number; bytes: number } {
	let bytes = 0;
	for (const [, octets] of index.values()) bytes += octets + 1;
	return { count: index.size, bytes };
}

/** The later of two instants; servers write them in different zones. */
function latest(a: string | null = null, b: string | null = null): string | null {
	if (a === null || b === null) return a ?? b;
	return Date.parse(b) > Date.parse(a) ? b : a;
}
