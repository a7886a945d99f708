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
import { checkClientAuth } from '../smart/client-auth.js';
import { discover, type SmartConfiguration } from '../smart/discover.js';
import { chooseScopes } from '../smart/scopes.js';
import { authorizationCodeRequest, processAuthorizationCodeResponse } from '../smart/token.js';
import { vendorAuth } from '../smart/vendors.js';
import { record } from './activity.js';
import { parkArrival } from './arrival.js';
import { type Connection, getConnection } from './connections.js';
import { currentEra, keysBelow, type RowKey } from './db.js';
import { afterGrant, type Grant, type Kept, keepGrant, NAME_MS } from './grant.js';
import { notify } from './notices.js';
import { readPatient } from './patient.js';
import { revokeTokens } from './remove.js';
import { commit, readAll, take } from './rows.js';
import { resolveTarget } from './target.js';
import { keep, written } from './unsaved.js';

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

/** 32 random octets in base64url; anybody may send anything else. */
const isState = (state: string) => /^[A-Za-z0-9_-]{43}$/.test(state);

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
	const { fhirBaseUrl, clientId, clientAuth, provider, scope: listed } = await resolveTarget(target);
	const vendor = vendorAuth(provider.vendor);
	const config = await discover(fhirBaseUrl);
	checkIssuer(config, vendor);
	const registration: Registration = { fhirBaseUrl, clientId, clientAuth, config };
	await Promise.all([checkTokenEndpoint(config), checkClientAuth(registration)]);
	const scope = listed ?? vendor.scope ?? chooseScopes(config);
	const redirectUri = new URL(CALLBACK_PATH, self.location.origin).href;
	const { url, pending } = await authorizeRequest(registration, { redirectUri, scope });
	const key = await tripKey(pending.state);
	const trip: Trip = {
		key,
		registration,
		provider,
		pending,
		scope,
		returnTo: appPath(returnTo),
		sid,
		reauthorizes: target.kind === 'reauthorize' ? target.connectionId : null,
		startedAt: Date.now(),
	};
	await forgetOldTrips();
	await commit([{ key, expect: 0, value: trip }]);
	return { url, providerName: provider.name };
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
	const { returnTo } = trip;
	// What is cleared meanwhile must not begin anew with this.
	const began = currentEra();
	try {
		const grant = await exchange(trip, parameters);
		if (began === currentEra()) return await settleSignIn(trip, grant, include);
		return { returnTo: '/connections', rest: revokeTokens(grant.registration, grant.tokens) };
	} catch (error) {
		if (began !== currentEra()) return { returnTo, rest: Promise.resolve() };
		const wire = toWire(error);
		const about = { providerName: trip.provider.name, connectionId: trip.reauthorizes, code: wire.code };
		await notify({ kind: 'error', error: wire, providerName: about.providerName });
		return { returnTo, rest: record({ what: 'connect_failed', ...about }) };
	}
}

/**
 * Everything that belongs together comes before the next request: a worker may die during that. What cannot be written is not
 * lost while this one lives (`Overview.unsaved`); there is nowhere to write a notice then, and the card appears once there is.
 */
async function settleSignIn(
	trip: Trip,
	grant: Grant,
	include: (sid: string, connectionId: string) => Promise<void>,
): Promise<Arrival> {
	const { returnTo, sid, reauthorizes } = trip;
	const done: { kept?: Kept } = {};
	const beside = [{ era: currentEra() }];
	/** Goes on where it stopped. */
	const write = async (): Promise<void> => {
		if (!done.kept) {
			const wanted = reauthorizes ? await getConnection(reauthorizes) : undefined;
			// No notice: the choice itself is what the person is shown (`Overview.otherPatient`).
			if (wanted && wanted.patientId !== grant.tokens.patient) return parkArrival(grant, wanted.id, beside);
			done.kept = await keepGrant(grant, reauthorizes, () => beside);
		}
		const { connection, repaired } = done.kept;
		if (sid) await include(sid, connection.id);
		await notify({ kind: repaired ? 'reauthorized' : 'connected', connectionId: connection.id }, beside);
	};
	const after = async (): Promise<void> => {
		if (done.kept) await afterGrant(done.kept);
	};
	const key = `sign-in ${crypto.randomUUID()}`;
	try {
		await keep(key, write, grant);
	} catch {
		return { returnTo, rest: written(key).then(after) };
	}
	if (done.kept) await readPatient(done.kept.connection, NAME_MS);
	return { returnTo, rest: after() };
}

/** What names the trip of this state; undefined where nobody set out with it. Needs no key. */
export async function tripId(state: string): Promise<string | undefined> {
	if (!isState(state)) return undefined;
	const hash = await tokenHash(state);
	return (await keysBelow([KIND])).some(([, known]) => known === hash) ? hash : undefined;
}

/** The row is deleted in the transaction that reads it: of two callbacks with one state, one gets it. */
async function takeTrip(state: string): Promise<Trip | undefined> {
	if (!isState(state)) return undefined;
	const trip = await take<Trip>(await tripKey(state));
	return trip && Date.now() - trip.startedAt <= TRIP_MS ? trip : undefined;
}

async function exchange(trip: Trip, parameters: URLSearchParams): Promise<Grant> {
	const { registration, pending, provider, scope, sid } = trip;
	const checked = processAuthorizeResponse(parameters, pending, registration);
	const response = await authorizationCodeRequest(registration, checked, pending);
	const vendor = vendorAuth(provider.vendor);
	const tokens = await processAuthorizationCodeResponse(registration, response, pending.nonce, vendor);
	return { registration, provider, scope, sid, tokens };
}

/** A path of this app, whatever was asked for: never another origin, never the callback again. */
function appPath(path: string): string {
	return /^\/(connections|collect|connect\/[A-Za-z0-9_-]{22}(\/select)?)?$/.test(path) ? path : '/connections';
}
