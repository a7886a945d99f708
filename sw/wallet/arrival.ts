/**
 * A sign-in as another patient than the connection's. Nothing is thrown away at once: what arrived waits, sealed, until the person
 * has said what is to become of it. Access that nobody claims in time is ended.
 */
import type { OtherPatient } from '../contract.js';
import { BrokerError } from '../errors.js';
import { type Connection, findSamePatient } from './connections.js';
import { currentEra, type RowKey } from './db.js';
import { afterGrant, type Grant, keepGrant, NAME_MS } from './grant.js';
import { patientOf } from './patient.js';
import { revokeTokens } from './remove.js';
import { type Change, commit, read, readAll, update } from './rows.js';

interface Waiting {
	id: string;
	/** Null once it is of no use any more. */
	grant: Grant | null;
	/** The connection that was to be repaired. */
	connectionId: string;
	patient: Connection['patient'];
	arrivedAt: number;
	/** What the person chose; it stays for a while, so that a repeated choice gets the same answer. */
	settled: { connectionId: string | null; sid?: string | null } | null;
}

const KIND = 'arrival';
const arrivalKey = (id: string): RowKey => [KIND, id];
const WAIT_MS = 15 * 60_000;

/**
 * On disk before its name is read: a worker may die during that.
 * @param beside what is committed in the same transaction
 */
export async function parkArrival(grant: Grant, connectionId: string, beside: Change[]): Promise<void> {
	const { registration, provider, tokens } = grant;
	const id = crypto.randomUUID();
	const waiting: Waiting = { id, grant, connectionId, patient: null, arrivedAt: Date.now(), settled: null };
	await commit([{ key: arrivalKey(id), expect: 0, value: waiting }, ...beside]);
	const access = { ...registration, provider, patientId: tokens.patient, accessToken: tokens.accessToken };
	const patient = await patientOf(access, NAME_MS);
	// It waits without a name, too; and what is parked must not be parked again.
	if (patient) await update<Waiting>(arrivalKey(id), (row) => ({ ...row, patient })).catch(() => undefined);
}

const isOpen = ({ grant, settled, arrivedAt }: Waiting, now: number) =>
	grant !== null && settled === null && arrivedAt + WAIT_MS > now;

/** The last one that waits. */
export async function otherPatient(): Promise<OtherPatient | null> {
	const waiting = (await readAll<Waiting>([KIND])).filter((row) => isOpen(row, Date.now()));
	const last = waiting.sort((a, b) => b.arrivedAt - a.arrivedAt)[0];
	if (!last?.grant) return null;
	const { id, connectionId, patient, grant } = last;
	const known = await findSamePatient(grant.registration.fhirBaseUrl, grant.tokens.patient);
	return { id, providerName: grant.provider.name, connectionId, patient, known: known !== undefined };
}

export interface Settled {
	/** Null after `cancel`. */
	connectionId: string | null;
	/** What the answer does not wait for. */
	rest: Promise<unknown>;
}

/**
 * A choice that was made stands: repeating it, or making another, gets the answer to the first.
 * @param include puts a connection into the session that it was made for
 * @throws {BrokerError} `arrival_unknown`
 */
export async function settleArrival(
	id: string,
	choice: 'add' | 'cancel',
	include: (sid: string, connectionId: string) => Promise<void>,
): Promise<Settled> {
	// Whoever clears everything ends this access as well.
	const era = currentEra();
	return held(id, async () => {
		const row = (await read<Waiting>(arrivalKey(id)))?.value;
		if (row?.settled) {
			const { connectionId, sid } = row.settled;
			// A worker may have died before it came to this.
			if (sid && connectionId) await include(sid, connectionId);
			return { connectionId, rest: Promise.resolve() };
		}
		if (!row?.grant || !isOpen(row, Date.now())) throw new BrokerError('arrival_unknown');
		return choice === 'add' ? add(row, row.grant, include, era) : cancel(row, row.grant, era);
	});
}

async function add(
	row: Waiting,
	grant: Grant,
	include: (sid: string, connectionId: string) => Promise<void>,
	era: number,
): Promise<Settled> {
	const { sid } = grant;
	const kept = await keepGrant(grant, null, (connectionId) => [
		{ key: arrivalKey(row.id), value: { ...row, grant: null, patient: null, settled: { connectionId, sid } } },
		{ era },
	]);
	const { connection } = kept;
	if (sid) await include(sid, connection.id);
	return { connectionId: connection.id, rest: afterGrant(kept, row.patient) };
}

/** The choice first, then the request: a worker that dies in between leaves it to `settleOldArrivals`. */
async function cancel(row: Waiting, grant: Grant, era: number): Promise<Settled> {
	const settled = { connectionId: null };
	await commit([{ key: arrivalKey(row.id), value: { ...row, patient: null, settled } }, { era }]);
	const ended = { ...row, grant: null, patient: null, settled };
	const rest = revokeArrived(grant).then(() => update<Waiting>(arrivalKey(row.id), () => ended));
	return { connectionId: null, rest };
}

function revokeArrived({ registration, tokens }: Grant): Promise<boolean> {
	return revokeTokens(registration, tokens);
}

/** Ends access that nobody claimed in time, or whose end a dead worker owes, and forgets what was settled long ago. */
export async function settleOldArrivals(now: number): Promise<void> {
	const rows = await readAll<Waiting>([KIND]);
	for (const { id } of rows.filter((row) => !isOpen(row, now))) await held(id, () => end(id, now));
}

async function end(id: string, now: number): Promise<void> {
	const key = arrivalKey(id);
	const row = (await read<Waiting>(key))?.value;
	if (!row || isOpen(row, now)) return;
	if (row.grant) await revokeArrived(row.grant);
	if (row.arrivedAt + WAIT_MS <= now) await commit([{ key, remove: true }]);
	else await update<Waiting>(key, () => ({ ...row, grant: null }));
}

/** Choosing and ending exclude each other, in whichever worker. */
function held<T>(id: string, work: () => Promise<T>): Promise<T> {
	return navigator.locks.request(`arrival ${id}`, { signal: AbortSignal.timeout(120_000) }, work);
}

/** The grants of all that wait, for somebody who leaves. */
export async function waitingGrants(): Promise<Grant[]> {
	return (await readAll<Waiting>([KIND])).flatMap(({ grant }) => grant ?? []);
}
