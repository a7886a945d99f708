/** The copy of a connection's records on this device: its row, what others may know of it, and its end. */
import type { QueryReport } from '../../relay/contract.js';
import type { CopyDetail, CopyView, KindProgress } from '../contract.js';
import { type Job, jobKey } from '../jobs/job.js';
import { leftovers, listJobs } from '../jobs/store.js';
import { type Connection, getConnection } from '../wallet/connections.js';
import type { RowKey } from '../wallet/db.js';
import { type Change, commit, read, readAll } from '../wallet/rows.js';

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
export function isOf(copy: Copy, { fhirBaseUrl, patientId }: Connection): boolean {
	return copy.fhirBaseUrl === fhirBaseUrl && copy.patientId === patientId;
}

/** The copy that may be used. */
export async function getCopy(connection: Connection): Promise<Copy | undefined> {
	const copy = (await read<Copy>(copyKey(connection.id)))?.value;
	return copy && connection.keep && isOf(copy, connection) ? copy : undefined;
}

/** By connection. */
export async function copyViews(): Promise<Map<string, CopyView>> {
	return new Map((await readAll<Copy>(COPIES)).map((copy) => [copy.connectionId, viewCopy(copy)]));
}

export const isUnread = (status: KindProgress['status']): boolean =>
	status === 'partial' || status === 'refused' || status === 'failed';

export function viewCopy({ at, types }: Copy): CopyView {
	const all = Object.values(types);
	return {
		at,
		resources: all.reduce((sum, { count }) => sum + count, 0),
		bytes: all.reduce((sum, { bytes }) => sum + bytes, 0),
		unread: all.filter(({ status }) => isUnread(status)).length,
	};
}

export function viewKinds({ types }: Copy): CopyDetail['kinds'] {
	return Object.entries(types).map(([type, { count, bytes, at, status }]) => ({ type, count, bytes, at, status }));
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
		if (!incremental || isUnread(status) || streams.length >= MOST_STREAMS || !(at <= Date.now() + OVERLAP_MS))
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

/** Deletes the copy, readings under way into it, and all that is known of its connection's sizes. @param beside in the same transaction */
export async function forgetCopy(id: string, beside: Change[] = []): Promise<void> {
	// What cannot be opened goes all the same: its parts are swept once nothing refers to them.
	const copy = (await read<Copy>(copyKey(id)).catch(() => undefined))?.value;
	const places = copy ? [...placesOf(copy)] : [];
	// Without their lock: a slice under way finds its row gone, and writes nothing more.
	const readings = (await listJobs().catch(() => [])).filter((job) => isKeepOf(job, id));
	await commit([
		...beside,
		...[copyKey, historyKey, sizesKey, countsKey].map((key) => ({ key: key(id), remove: true }) as const),
		...places.map((below) => ({ below })),
		...readings.flatMap((job) => [{ key: jobKey(job.id), remove: true } as const, ...leftovers(job.id)]),
	]);
}

export function isKeepOf({ kind, sources }: Job, connectionId: string): boolean {
	return kind === 'keep' && sources[0]?.connectionId === connectionId;
}
