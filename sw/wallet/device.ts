/**
 * The key of this device for a connection, and the client that is registered with it. Committed before it is used, so that a death
 * in between leaves `wanted`: the registration is tried again while the access token of the sign-in lives, and a connection for which
 * it never came about ends with that token, visibly, or goes on with the refresh token that the sign-in gave.
 */
import type { ErrorCode } from '../contract.js';
import { asBrokerError, BrokerError, isTransient } from '../errors.js';
import type { SigningKey } from '../smart/client-auth.js';
import { jwtBearerRequest, processRegisterResponse, registerRequest } from '../smart/register.js';
import {
	type Connection,
	changeConnection,
	deviceKeyRow,
	getConnection,
	isRenewable,
	noteProblem,
} from './connections.js';
import { locked } from './lease.js';
import { type Change, readRaw } from './rows.js';
import { keep, settle } from './unsaved.js';

/** RSA of 2048 bits, for RS384. The private half is not extractable: it can sign here, and be nowhere else. */
interface DeviceKey {
	kid: string;
	keys: CryptoKeyPair;
}

const ALGORITHM = {
	name: 'RSASSA-PKCS1-v1_5',
	modulusLength: 2048,
	publicExponent: new Uint8Array([1, 0, 1]),
	hash: 'SHA-384',
};

/** What signs for a connection; undefined where this device has no key for it. */
export async function deviceKey(id: string): Promise<SigningKey | undefined> {
	const row = await readRaw<DeviceKey>(deviceKeyRow(id));
	return row && { key: row.keys.privateKey, kid: row.kid };
}

/**
 * Registers a client of this device's own for a connection that wants one. What passes by itself is noted and leaves it wanted;
 * what the server does not offer leaves it without.
 * @returns the connection afterwards; undefined if it is gone
 */
export function registerDevice({ id }: Pick<Connection, 'id'>): Promise<Connection | undefined> {
	// Not the connection's own: an answer to a refresh may be kept under that.
	const unsaved = `device ${id}`;
	return locked(id, async () => {
		await settle(unsaved);
		const connection = await getConnection(id);
		if (connection?.device !== 'wanted') return connection;
		// With a refresh token there will be another access token to ask with.
		if (hasEnded(connection)) return isRenewable(connection) ? connection : conclude(connection, null);
		const key = await keyFor(id);
		if (!key) return undefined;
		try {
			const publicKey = await crypto.subtle.exportKey('jwk', key.keys.publicKey);
			const response = await registerRequest(connection, { ...publicKey, kid: key.kid }, connection.accessToken);
			const made = await processRegisterResponse(response);
			// The access token is spent: nobody registers with it again.
			return await keep(unsaved, () => conclude(connection, made), { registration: connection, tokens: connection });
		} catch (error) {
			if (!passes(asBrokerError(error).code)) throw error;
			return changeConnection(id, (now) => ({ ...now, problem: noteProblem(now.problem, error, Date.now()) }));
		}
	});
}

/** An answer that makes no sense here may make sense later. */
const passes = (code: ErrorCode) => isTransient(code) || code === 'provider_error';

function hasEnded({ accessExpiresAt, accessToken, status }: Connection): boolean {
	return status === 'expired' || !accessToken || (accessExpiresAt !== null && accessExpiresAt <= Date.now());
}

/** The key that lies there from an earlier try, or a new one; only beside a connection that wants it. */
async function keyFor(id: string): Promise<DeviceKey | undefined> {
	const found = await readRaw<DeviceKey>(deviceKeyRow(id));
	if (found) return found;
	const keys = await crypto.subtle.generateKey(ALGORITHM, false, ['sign', 'verify']);
	const made: DeviceKey = { kid: crypto.randomUUID(), keys };
	const beside: Change[] = [{ key: deviceKeyRow(id), raw: made }];
	const saved = await changeConnection(id, (connection) => ({ ...connection, device: 'wanted' }), beside);
	return saved && made;
}

/** Null deletes the key: nobody knows it. Of a connection that has other access by now, nothing is changed. */
function conclude(tried: Connection, device: { clientId: string } | null): Promise<Connection | undefined> {
	const change = (connection: Connection): Connection | undefined => {
		if (connection.accessToken !== tried.accessToken) return undefined;
		// Why a connection has ended is still worth knowing.
		const concluded = { ...connection, device, problem: connection.status === 'active' ? null : connection.problem };
		// The end of the access token is not the end any more.
		return device && connection.refreshToken === null ? { ...concluded, expiry: { kind: 'unknown' } } : concluded;
	};
	return changeConnection(tried.id, change, device ? [] : [{ key: deviceKeyRow(tried.id), remove: true }]);
}

/** @throws {BrokerError} `reauthorization_required` where the key is not on this device, and what `http` throws */
export async function renewByDevice(connection: Connection, clientId: string): Promise<Response> {
	const key = await deviceKey(connection.id);
	if (!key) throw new BrokerError('reauthorization_required');
	return jwtBearerRequest({ ...connection, clientId }, key);
}
