/**
 * The trip to a provider and back. `startConnect` mints the authorize URL and remembers the rest under a hash of the
 * state; `finishConnect` gets the provider's answer from the fetch handler, before any page sees it, and makes or repairs
 * a connection. State, verifier, code and tokens never leave the worker.
 */
import { tokenHash } from '../../relay/envelope.js';
import type { ConnectTarget } from '../contract.js';
import { asBrokerError, BrokerError, toWire } from '../errors.js';
import { http } from '../http.js';
import {
	authorizeRequest,
	checkIssuer,
	type PendingAuthorization,
	processAuthorizeResponse,
} from '../smart/authorize.js';
import type { Registration } from '../smart/client.js';
import { discover, normalizeBase, type SmartConfiguration } from '../smart/discover.js';
import { chooseScopes } from '../smart/scopes.js';
import { authorizationCodeRequest, processAuthorizationCodeResponse, revoke, type Tokens } from '../smart/token.js';
import { vendorAuth } from '../smart/vendors.js';
import { addConnection, type Connection, findSamePatient, getConnection, updateConnection } from './connections.js';
import type { RowKey } from './db.js';
import { accessEnd, applyTokens, expiryAfter, forgetUnsaved, locked, tellEnd } from './keeper.js';
import { notify } from './notices.js';
import { readPatient } from './patient.js';
import { getProvider } from './providers.js';
import { commit, readAll, take } from './rows.js';

/** Everything about one trip. */
interface Trip {
	key: RowKey;
	registration: Registration;
	provider: Connection['provider'];
	pending: PendingAuthorization;
	scope: string;
	returnTo: string;
	sid: string | null;
	/** The connection that is to be repaired. */
	reauthorizes: string | null;
	startedAt: number;
}

const KIND = 'trip';
/** People need a while to find their password. */
const TRIP_MS = 60 * 60_000;
export const CALLBACK_PATH = '/connect/callback';

/** The row's key must not give the state away; a hash of it does not. */
const tripKey = async (state: string): Promise<RowKey> => [KIND, await tokenHash(state)];

/**
 * @param returnTo a path of the app
 * @throws {BrokerError} where the target is not known or valid, discovery fails, or a browser cannot talk to the provider
 */
export async function startConnect(
	target: ConnectTarget,
	returnTo: string,
	sid: string | null,
): Promise<{ url: string; providerName: string }> {
	const wanted = await resolve(target);
	const config = await discover(wanted.fhirBaseUrl);
	checkIssuer(config, vendorAuth(wanted.provider.vendor));
	await checkTokenEndpoint(config);
	const registration = { fhirBaseUrl: wanted.fhirBaseUrl, clientId: wanted.clientId, config };
	const scope = wanted.scope ?? vendorAuth(wanted.provider.vendor).scope ?? chooseScopes(config);
	const redirectUri = new URL(CALLBACK_PATH, self.location.origin).href;
	const { url, pending } = await authorizeRequest(registration, { redirectUri, scope });
	const key = await tripKey(pending.state);
	const trip: Trip = {
		key,
		registration,
		provider: wanted.provider,
		pending,
		scope,
		returnTo: appPath(returnTo),
		sid,
		reauthorizes: target.kind === 'reauthorize' ? target.connectionId : null,
		startedAt: Date.now(),
	};
	await forgetOldTrips();
	await commit([{ key, expect: 0, value: trip }]);
	return { url, providerName: wanted.provider.name };
}

interface Wanted {
	fhirBaseUrl: string;
	clientId: string;
	provider: Connection['provider'];
	scope?: string | undefined;
}

async function resolve(target: ConnectTarget): Promise<Wanted> {
	switch (target.kind) {
		case 'provider': {
			const { name, location, vendor, fhirBaseUrl, clientId, scope } = await getProvider(target.providerId);
			return { fhirBaseUrl: normalizeBase(fhirBaseUrl), clientId, provider: { name, location, vendor }, scope };
		}
		case 'custom': {
			const fhirBaseUrl = normalizeBase(target.fhirBaseUrl);
			const clientId = target.clientId.trim();
			if (!clientId) throw new BrokerError('client_id_missing');
			return { fhirBaseUrl, clientId, provider: { name: new URL(fhirBaseUrl).host } };
		}
		case 'reauthorize': {
			const connection = await getConnection(target.connectionId);
			if (!connection) throw new BrokerError('connection_unknown');
			const { fhirBaseUrl, clientId, provider } = connection;
			return { fhirBaseUrl, clientId, provider };
		}
	}
}

/**
 * Finds out before the redirect, not after it, whether a browser may read the token endpoint's answers. An empty grant is
 * refused by every server, and refused legibly only where CORS allows it.
 * @throws {BrokerError} `cors`
 */
async function checkTokenEndpoint(config: SmartConfiguration): Promise<void> {
	try {
		const body = new URLSearchParams({ grant_type: 'authorization_code' });
		await http(config.tokenEndpoint, { method: 'POST', body, timeout: 10_000, maxBytes: 64 * 1024 });
	} catch (error) {
		if (asBrokerError(error).code === 'cors') throw error;
	}
}

async function forgetOldTrips(): Promise<void> {
	const old = (await readAll<Trip>([KIND])).filter(({ startedAt }) => Date.now() - startedAt > TRIP_MS);
	if (old.length) await commit(old.map(({ key }) => ({ key, remove: true })));
}

/** Where the person goes on, and work that the redirect does not wait for. */
export interface Arrival {
	returnTo: string;
	rest: Promise<unknown>;
}

/** How long the redirect waits for the name on the card. */
const NAME_MS = 8_000;

/**
 * Never throws for what a provider or a person did: the outcome is a notice, shown where the person started.
 * @param include puts a connection into the session that it was made for
 */
export async function finishConnect(
	parameters: URLSearchParams,
	include: (sid: string, connectionId: string) => Promise<void>,
): Promise<Arrival> {
	const trip = await takeTrip(parameters.get('state') ?? '');
	if (!trip) {
		await notify({ kind: 'error', error: toWire(new BrokerError('state_unknown')), providerName: null });
		return { returnTo: '/connections', rest: Promise.resolve() };
	}
	const { returnTo, sid } = trip;
	try {
		const { connection, repaired, clockOffset } = await exchange(trip, parameters);
		// Everything that belongs together comes before the next request: a worker may die during that.
		if (sid) await include(sid, connection.id);
		await notify({ kind: repaired ? 'reauthorized' : 'connected', connectionId: connection.id });
		await readPatient(connection, NAME_MS);
		return { returnTo, rest: tellEnd(connection, clockOffset) };
	} catch (error) {
		await notify({ kind: 'error', error: toWire(error), providerName: trip.provider.name });
		return { returnTo, rest: Promise.resolve() };
	}
}

/** The row is deleted in the transaction that reads it: of two callbacks with one state, one gets it. */
async function takeTrip(state: string): Promise<Trip | undefined> {
	if (!/^[A-Za-z0-9_-]{43}$/.test(state)) return undefined;
	const trip = await take<Trip>(await tripKey(state));
	return trip && Date.now() - trip.startedAt <= TRIP_MS ? trip : undefined;
}

async function exchange(trip: Trip, parameters: URLSearchParams) {
	const { registration, pending } = trip;
	const checked = processAuthorizeResponse(parameters, pending, registration);
	const response = await authorizationCodeRequest(registration, checked, pending);
	const tokens = await processAuthorizationCodeResponse(registration, response, pending.nonce);
	const existing = trip.reauthorizes
		? await getConnection(trip.reauthorizes)
		: await findSamePatient(registration.fhirBaseUrl, tokens.patient);
	if (existing && existing.patientId !== tokens.patient) {
		if (tokens.refreshToken) await revoke(registration, tokens.refreshToken, 'refresh_token');
		else await revoke(registration, tokens.accessToken, 'access_token');
		throw new BrokerError('patient_mismatch');
	}
	const now = Date.now();
	const connection = existing
		? await locked(existing.id, () => repair(existing, trip, tokens, now))
		: await create(trip, tokens, now);
	return { connection, repaired: existing !== undefined, clockOffset: tokens.clockOffset };
}

async function create(trip: Trip, tokens: Tokens & { patient: string }, now: number): Promise<Connection> {
	const connection: Connection = {
		...trip.registration,
		id: crypto.randomUUID(),
		provider: trip.provider,
		patientId: tokens.patient,
		patient: null,
		scope: tokens.scope ?? trip.scope,
		accessToken: tokens.accessToken,
		accessExpiresAt: accessEnd(tokens, tokens.refreshToken, now),
		refreshToken: tokens.refreshToken,
		intent: null,
		status: 'active',
		problem: null,
		connectedAt: now,
		lastRefreshedAt: now,
		expiry: expiryAfter({ kind: 'unknown' }, tokens, tokens.refreshToken, now),
		newForSession: trip.sid,
	};
	await addConnection(connection);
	return connection;
}

/** The same card, with a new grant: the old one's end and tokens do not count any more. */
async function repair(existing: Connection, trip: Trip, tokens: Tokens, now: number): Promise<Connection> {
	const blank: Connection = { ...existing, refreshToken: null, expiry: { kind: 'unknown' } };
	const change = { ...trip.registration, ...applyTokens(blank, tokens, now), scope: tokens.scope ?? trip.scope };
	const saved = await updateConnection(existing.id, change);
	if (!saved) throw new BrokerError('connection_unknown');
	forgetUnsaved(existing.id);
	// The old refresh token is not revoked: servers that keep one grant for each person and app would end the new one too.
	return saved;
}

/** A path of this app, whatever was asked for: never another origin, never the callback again. */
function appPath(path: string): string {
	return /^\/(connections|collect|connect\/[A-Za-z0-9_-]{22}(\/select)?)?$/.test(path) ? path : '/connections';
}
