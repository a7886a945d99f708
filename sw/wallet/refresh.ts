/**
 * One refresh, under the connection's lock: the intent and the lease in one transaction, then the request, then the answer in
 * one transaction, and only then its use.
 *
 * A worker that dies in between leaves the intent behind, with a hash of what it presented. The server may have rotated by
 * then; the next worker sends the same token once more, and `invalid_grant` is the server's final word.
 */
import { sha256 } from '../../relay/envelope.js';
import type { ErrorCode } from '../contract.js';
import { asBrokerError, BrokerError, toWire } from '../errors.js';
import { processRefreshResponse } from '../smart/token.js';
import { vendorAuth } from '../smart/vendors.js';
import { record } from './activity.js';
import { applyTokens, type Renewed, tellEnd } from './answer.js';
import { type Connection, isRenewable, noteProblem, ownClient } from './connections.js';
import { deviceKey } from './device.js';
import { changeLeased, currentLease, LEASE_MS, type Lease } from './lease.js';
import { pausedSince } from './pause.js';
import { revokeGrant, revokeTokens } from './remove.js';
import { renewRequest } from './renew.js';
import { isUnsaved, keep } from './unsaved.js';

/** What a refresh presents: two connections with the same are the same grant. */
function presented(connection: Connection): string {
	const own = ownClient(connection);
	return own === undefined ? (connection.refreshToken ?? '') : `device ${own}`;
}

/**
 * Runs under the lock.
 * @throws {BrokerError} `paused`; `reauthorization_required`, `patient_mismatch`; `connection_unknown` where it was removed
 * meanwhile; `timeout` where somebody else took the lease; what the request throws; and what storage throws: then either no
 * request has left, or the answer is kept (`unsaved.ts`)
 */
export async function refresh(connection: Connection): Promise<Connection> {
	if (await pausedSince()) throw new BrokerError('paused');
	const holder = crypto.randomUUID();
	try {
		if (!isRenewable(connection) || connection.status === 'expired') throw new BrokerError('reauthorization_required');
		await writeIntent(connection, holder);
		const vendor = vendorAuth(connection.provider.vendor);
		const tokens = await processRefreshResponse(await renewRequest(connection), vendor);
		const registration = { ...connection, clientId: ownClient(connection) ?? connection.clientId };
		if (tokens.patient !== null && tokens.patient !== connection.patientId) {
			// Nothing of it is kept, so nobody could end it later.
			const key = await deviceKey(connection.id).catch(() => undefined);
			await Promise.all([revokeTokens(registration, tokens), revokeGrant(connection, key)]);
			throw new BrokerError('patient_mismatch');
		}
		const renewed = applyTokens(connection, tokens, Date.now());
		const saved = await keep(connection.id, () => writeAnswer(connection, renewed, holder), { registration, tokens });
		if (!saved) {
			// Removed while the answer was on its way: nobody else could end this access any more.
			await revokeTokens(registration, tokens);
			throw new BrokerError('connection_unknown');
		}
		note(saved);
		// The end is worth knowing, but not worth risking the tokens for: they are on disk already.
		return tellEnd(saved, connection);
	} catch (error) {
		const newer = await noteFailure(connection, error, holder);
		if (newer) return newer;
		throw error;
	}
}

/** Nothing may leave before this is on disk. */
async function writeIntent(tried: Connection, holder: string): Promise<void> {
	const { id } = tried;
	// A lease that is there although we have the lock is of a dead worker. One that comes later is of somebody who took over.
	const found = (await currentLease(id))?.holder;
	const hash = await sha256(new TextEncoder().encode(presented(tried)));
	const left = await changeLeased(id, (connection, lease) => {
		if (lease?.holder !== found || presented(connection) !== presented(tried)) throw new BrokerError('timeout');
		const now = Date.now();
		const ours: Lease = { holder, until: now + LEASE_MS };
		return { connection: { ...connection, ...intend(connection, hash, now) }, lease: ours };
	});
	if (!left) throw new BrokerError('connection_unknown');
}

/** A second death with the same token is told, and waited after (`due.ts`): whatever kills workers must not do so for ever. */
function intend({ intent, problem }: Connection, hash: string, now: number): Pick<Connection, 'intent' | 'problem'> {
	const died = intent && (intent.tokenHash ?? hash) === hash ? intent : undefined;
	const fresh = { tokenHash: hash, startedAt: now, attempt: (died?.attempt ?? (died ? 1 : 0)) + 1 };
	if (!died) return { intent: fresh, problem };
	const since = Math.min(died.startedAt, now);
	return { intent: fresh, problem: problem ?? { error: toWire(new BrokerError('timeout')), since, triedAt: now } };
}

/** Where another grant is there by now (a new sign-in, another holder's answer), that one stays. */
function writeAnswer(tried: Connection, renewed: Renewed, holder: string): Promise<Connection | undefined> {
	return changeLeased(tried.id, (connection, lease) => {
		if (presented(connection) !== presented(tried)) return undefined;
		return { connection: { ...connection, ...renewed }, ...others(lease, holder) };
	});
}

/** Somebody else's lease outlives our answer. */
function others(lease: Lease | undefined, holder: string): { lease?: Lease } {
	return lease && lease.holder !== holder ? { lease } : {};
}

/** No failures of the connection: what is refused here, or passes with this device's storage. */
const OURS = new Set(['paused', 'locked', 'connection_unknown', 'vault_lost']);

/**
 * Notes a failure with the connection, unless that has another grant by now: then the failure is of the old one.
 * @returns the connection where it has a grant that works
 */
async function noteFailure(tried: Connection, error: unknown, holder: string): Promise<Connection | undefined> {
	const { code } = asBrokerError(error);
	// An answer that could not be written comes before everything else.
	if (OURS.has(code) || isUnsaved(tried.id) || tried.status === 'expired') return undefined;
	let noted = false;
	const now = Date.now();
	const after = await changeLeased(tried.id, (connection, lease) => {
		noted = presented(connection) === presented(tried) && connection.accessToken === tried.accessToken;
		if (!noted) return undefined;
		return { connection: failed(connection, error, now), ...others(lease, holder) };
	}).catch(() => undefined);
	if (noted) note(tried, code);
	return after && !noted && after.status === 'active' && after.accessToken !== tried.accessToken ? after : undefined;
}

/** Only these two end a connection; everything else leaves it as it was. */
const ENDS = new Set(['reauthorization_required', 'patient_mismatch']);

/** The connection after a failure. */
export function failed(connection: Connection, error: unknown, now: number): Connection {
	const { code } = asBrokerError(error);
	const noted = { ...connection, intent: null, problem: noteProblem(connection.problem, error, now) };
	if (!ENDS.has(code)) return noted;
	// Access to somebody else's record is not kept, not even sealed.
	const kept = code === 'patient_mismatch' ? { accessToken: '', refreshToken: null, idleRefreshToken: null } : {};
	return { ...noted, status: 'expired', ...kept };
}

/** Tells the activity what came of asking the provider. */
export function note({ id, provider }: Connection, code: ErrorCode | null = null): void {
	const what = code === null ? 'refreshed' : ENDS.has(code) ? 'expired' : 'refresh_failed';
	void record({ what, connectionId: id, providerName: provider.name, code });
}
