/**
 * What becomes of a sign-in that succeeded: a new connection, or the repair of the one that its patient has. A connection is one
 * patient at one FHIR server, so several patients of one provider are several connections.
 */
import type { Registration } from '../smart/client.js';
import type { Tokens } from '../smart/token.js';
import { record } from './activity.js';
import { applyTokens, tellEnd } from './answer.js';
import {
	addConnection,
	type Connection,
	changeConnection,
	deviceKeyRow,
	findSamePatient,
	updateConnection,
} from './connections.js';
import { registerDevice } from './device.js';
import { locked } from './lease.js';
import type { Change } from './rows.js';
import { forgetUnsaved } from './unsaved.js';

export interface Grant {
	registration: Registration;
	provider: Connection['provider'];
	/** As it was asked for. */
	scope: string;
	/** The session it was made for. */
	sid: string | null;
	tokens: Tokens & { patient: string };
}

/** The connection afterwards, and whether it was there before. */
export interface Kept {
	connection: Connection;
	repaired: boolean;
}

/** How long nobody is kept waiting for the name on the card. */
export const NAME_MS = 8_000;

/**
 * Under a lock in which nothing is slow: of two sign-ins of one patient at the same moment, one makes the connection and the other
 * repairs it.
 * @param preferred the connection that was to be repaired
 * @param beside what is committed in the same transaction
 */
export async function keepGrant(
	grant: Grant,
	preferred: string | null,
	beside: (connectionId: string) => Change[] = () => [],
): Promise<Kept> {
	const { registration, tokens } = grant;
	for (;;) {
		const made = await navigator.locks.request('connect', { signal: AbortSignal.timeout(30_000) }, async () => {
			const same = await findSamePatient(registration.fhirBaseUrl, tokens.patient, preferred);
			if (same) return { same: same.id };
			const connection = begin(grant, Date.now());
			await addConnection(connection, beside(connection.id));
			return { connection };
		});
		if (made.connection) return { connection: made.connection, repaired: false };
		const connection = await locked(made.same, () => repair(made.same, grant, beside(made.same)));
		// Removed at the last moment: then it is a new one.
		if (connection) return { connection, repaired: true };
	}
}

/** Whether this device is to register a client of its own. */
function deviceOf({ clientAuth }: Registration): Connection['device'] {
	return clientAuth?.method === 'device-key' ? 'wanted' : null;
}

function begin({ registration, provider, tokens, scope, sid }: Grant, now: number): Connection {
	const blank: Connection = {
		...registration,
		id: crypto.randomUUID(),
		provider,
		patientId: tokens.patient,
		patient: null,
		scope,
		accessToken: tokens.accessToken,
		accessExpiresAt: null,
		refreshToken: null,
		intent: null,
		device: deviceOf(registration),
		clockOffset: 0,
		status: 'active',
		problem: null,
		connectedAt: now,
		lastRefreshedAt: now,
		expiry: { kind: 'unknown' },
		newForSession: sid,
	};
	return { ...blank, ...applyTokens(blank, tokens, now) };
}

/** The same card, with a new grant: the old one's end, tokens and key do not count any more. */
async function repair(id: string, grant: Grant, beside: Change[]): Promise<Connection | undefined> {
	const { registration, provider, tokens, scope } = grant;
	const renew = (existing: Connection): Connection => {
		const blank: Connection = { ...existing, scope, refreshToken: null, device: null, expiry: { kind: 'unknown' } };
		const device = deviceOf(registration);
		const renewed = applyTokens(blank, tokens, Date.now());
		// Named: what a registration does not say any more must not stay.
		const { clientAuth } = registration;
		return { ...blank, ...registration, clientAuth, provider, ...renewed, device };
	};
	const saved = await changeConnection(id, renew, [{ key: deviceKeyRow(id), remove: true }, ...beside]);
	if (saved) forgetUnsaved(id);
	// The old refresh token is not revoked: servers that keep one grant for each person and app would end the new one too.
	return saved;
}

/**
 * What can wait until the person is back in the app. The registration comes first: its access token may be good for it once.
 * @param patient as it was read already
 */
export async function afterGrant({ connection, repaired }: Kept, patient: Connection['patient'] = null): Promise<void> {
	const { id, provider } = connection;
	if (patient) await updateConnection(id, { patient });
	await record({ what: repaired ? 'reauthorized' : 'connected', connectionId: id, providerName: provider.name });
	const current = await registerDevice(connection);
	if (current) await tellEnd(current);
}
