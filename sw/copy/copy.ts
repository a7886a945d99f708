/** The copy of a connection's records on this device: its row, what others may know of it, and its end. */
import type { QueryReport } from '../../relay/contract.js';
import { type CopyDetail, type CopyView, isUnread, type KindProgress } from '../contract.js';
import { asBrokerError } from '../errors.js';
import { JOBS, type Job, jobKey } from '../jobs/job.js';
import { leftovers, startOver } from '../jobs/store.js';
import { type Connection, connectionKey, getConnection } from '../wallet/connections.js';
import { keysBelow, type RowKey } from '../wallet/db.js';
import { type Change, commit, type Row, read, readAllRaw, retried, type StoredRow } from '../wallet/rows.js';
import { onDropKeys, openJson } from '../wallet/vault.js';

export interface Copy {
	connectionId: string;
	/** What it was read from; a connection that is of something else by now has no copy. */
	fhirBaseUrl: string;
	patientId: string;
	scope: string;
	fhirVersion: string | null;
	/** When it was last brought up to date, and when last by reading everything. */
	at: number;
	fullAt: number;
	types: Record<string, CopyType>;
	/** Reports that are of no type. */
	others: QueryReport[];
}

export interface CopyType {
	/** The job under whose id the index lies. */
	index: string;
	streams: CopyStream[];
	count: number;
	/** Octets of NDJSON, and those of them that a model reads (`typical.ts`). */
	bytes: number;
	text: number;
	/** When what is here was read. */
	at: number;
	status: KindProgress['status'];
	latest: string | null;
	incremental: boolean;
	reports: QueryReport[];
}

/** Parts of a finished job, under its id. */
export interface CopyStream {
	job: string;
	bid: string;
	/** CEK, base64url. */
	key: string;
	parts: number;
}

export const COPIES: RowKey = ['copy'];
export const copyKey = (id: string): RowKey => [...COPIES, id];
export const historyKey = (id: string): RowKey => ['history', id];
export const sizesKey = (id: string): RowKey => ['sizes', id];
export const countsKey = (id: string): RowKey => ['counts', id];

/** Whether it is of this connection as it is now. */
export function isOf(copy: Pick<Copy, 'fhirBaseUrl' | 'patientId'>, { fhirBaseUrl, patientId }: Connection): boolean {
	return copy.fhirBaseUrl === fhirBaseUrl && copy.patientId === patientId;
}

/** The copy that may be used. */
export async function getCopy(connection: Connection): Promise<Copy | undefined> {
	const copy = (await openable(read<Copy>(copyKey(connection.id))))?.value;
	return copy && connection.keep && isOf(copy, connection) ? copy : undefined;
}

/** Every one that can be opened: a row that cannot is no copy, and `sweep` deletes it. */
export async function listCopies(): Promise<Copy[]> {
	const rows = await Promise.all((await keysBelow(COPIES)).map((key) => openable(read<Copy>(key))));
	return rows.flatMap((row) => (row ? [row.value] : []));
}

/** Undefined for a row that does not open; where nothing opens at all, the connections' own say so. */
function openable<T>(reading: Promise<T>): Promise<T | undefined> {
	return reading.catch((error) => {
		if (asBrokerError(error).code !== 'vault_lost') throw error;
		return undefined;
	});
}

/** Views of the rows that were opened last, each by what it was sealed with, which no other row ever was. */
let opened = new Map<string, CopyView>();
onDropKeys(() => opened.clear());

/** By connection. A row holds every report of its readings: it is opened anew only where it has changed. */
export async function copyViews(): Promise<Map<string, CopyView>> {
	const rows = await readAllRaw<StoredRow>(COPIES);
	const views = await Promise.all(
		rows.map(async ({ key, value: { sealed } }) => {
			const seal = String(sealed.iv);
			const known = opened.get(seal);
			if (known) return [{ id: String(key[1]), seal, view: known }];
			const copy = await openable(openJson<Copy>(sealed, key));
			return copy ? [{ id: String(key[1]), seal, view: viewCopy(copy) }] : [];
		}),
	).then((found) => found.flat());
	opened = new Map(views.map(({ seal, view }) => [seal, view]));
	return new Map(views.map(({ id, view }) => [id, view]));
}

export function viewCopy({ at, types }: Copy): CopyView {
	const all = Object.values(types);
	return {
		at,
		resources: all.reduce((sum, { count }) => sum + count, 0),
		bytes: all.reduce((sum, { bytes }) => sum + bytes, 0),
		unread: all.filter(isUnread).length,
	};
}

export function viewKinds({ types }: Copy): CopyDetail['kinds'] {
	return Object.entries(types).map(([type, { count, bytes, at, status, reports }]) => {
		const reasons = [...new Set(reports.flatMap(({ reason, optional }) => (optional ? [] : (reason ?? []))))];
		return { type, count, bytes, at, status, ...(isUnread({ status }) && reasons.length > 0 ? { reasons } : {}) };
	});
}

/** Servers date a change before they show it, and their clocks differ. */
const OVERLAP_MS = 5 * 60_000;
const FULL_EVERY_MS = 7 * 24 * 60 * 60_000;
/** Many small streams are read more slowly than one: a full reading joins them. */
const MOST_STREAMS = 24;

/**
 * From when on to ask for changes, by type (ISO 8601): only where the last reading was whole and proved that the server can tell.
 * Empty: everything is to be read.
 */
export async function sinceOf(connectionId: string): Promise<Record<string, string>> {
	const connection = await getConnection(connectionId);
	const copy = connection && (await getCopy(connection));
	if (!copy || copy.scope !== connection.scope) return {};
	const age = Date.now() - copy.fullAt;
	if (age < 0 || age > FULL_EVERY_MS) return {};
	const since: Record<string, string> = {};
	for (const [type, { latest, incremental, status, streams }] of Object.entries(copy.types)) {
		const at = Date.parse(latest ?? '');
		if (!incremental || isUnread({ status }) || streams.length >= MOST_STREAMS || !(at <= Date.now() + OVERLAP_MS))
			continue;
		since[type] = new Date(at - OVERLAP_MS).toISOString();
	}
	return since;
}

/** The rows that a copy is made of: all that begin with these keys. */
export function* placesOf({ types }: Copy): Generator<RowKey> {
	for (const [type, { index, streams }] of Object.entries(types)) {
		yield ['index', index, 0, type];
		for (const { job } of streams) yield ['part', job, 0, type];
	}
}

/**
 * Keeps none from here on, and deletes the copy with all that is known of its connection's sizes: in one transaction, so that no reading
 * can become a copy afterwards. Readings into it end. Whoever else reads it finds it gone; what such a job has read to the end is
 * the person's own send or download, and stays.
 * @param unlessKept does nothing where one is kept
 * @returns the connection as it was
 */
export function endCopy(id: string, unlessKept = false): Promise<Connection | undefined> {
	return retried(async () => {
		const row = await read<Connection>(connectionKey(id));
		if (unlessKept && row?.value.keep) return row.value;
		const same = { key: connectionKey(id), expect: row?.revision ?? 0 };
		const copy = (await openable(read<Copy>(copyKey(id))))?.value;
		const jobs = await Promise.all((await keysBelow(JOBS)).map((key) => openable(read<Job>(key))));
		await commit([
			row?.value.keep ? { ...same, value: { ...row.value, keep: false } } : same,
			...[copyKey, historyKey, sizesKey, countsKey].map((key) => ({ key: key(id), remove: true }) as const),
			...(copy ? [...placesOf(copy)] : []).map((below) => ({ below })),
			...jobs.flatMap((job) => (job ? withoutCopy(job, id) : [])),
		]);
		return row?.value;
	});
}

/**
 * What a job has to do with a copy, undone. Without the job's lock: a slice under way finds its row changed, and goes on from that. An
 * earlier generation of the copy, which a job may still be reading, goes as well.
 */
function withoutCopy({ value: job, revision }: Row<Job>, id: string): Change[] {
	if (isKeepOf(job, id)) return [{ key: jobKey(job.id), remove: true }, ...leftovers(job.id)];
	const read = job.sources.flatMap(({ connectionId, copied }, index) =>
		connectionId === id && copied ? [{ index, copy: copied.copy }] : [],
	);
	if (read.length === 0) return [];
	const indexes = read.map(({ index }) => index);
	return [
		{ key: jobKey(job.id), expect: revision, value: startOver(job, indexes) },
		...indexes.flatMap((index) => leftovers(job.id, index)),
		...read.flatMap(({ copy }) => [...placesOf(copy)].map((below) => ({ below }))),
	];
}

export function isKeepOf({ kind, sources }: Job, connectionId: string): boolean {
	return kind === 'keep' && sources[0]?.connectionId === connectionId;
}
