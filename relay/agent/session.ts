/** The life of a session from the agent's side: create, show, wait, close. Receiving is in `delivery/receive.ts`. */
import * as v from 'valibot';
import { Id, Key, LIMITS, SessionRequest } from '../contract.js';
import {
	type AgentKeys,
	deriveKeys,
	generateKeyPair,
	random,
	sealRequest,
	spacedCode,
	tokenHash,
} from '../envelope.js';
import { makeLink } from '../link.js';
import { AgentError, isTransient } from './errors.js';
import { backOff, checkInterrupted, exchange, realWorld, retry, type World } from './exchange.js';
import {
	type Access,
	createSessionRequest,
	deleteSessionRequest,
	manifestRequest,
	processCreateSessionResponse,
	processDeleteSessionResponse,
	processManifestResponse,
	relayOrigin,
} from './protocol.js';

/** All that a second process needs to go on; secret but for `code`, `sid`, `pk`, `relay` and `expiresAt`. */
export const AgentSession = v.strictObject({
	v: v.literal(1),
	/** Origin. */
	relay: v.string(),
	sid: Id,
	pk: Key,
	sk: Key,
	/** `S` of the protocol. */
	secret: Key,
	read: Key,
	/** The match code, six digits. */
	code: v.pipe(v.string(), v.regex(/^\d{6}$/)),
	expiresAt: v.pipe(v.string(), v.isoTimestamp()),
});
export type AgentSession = v.InferOutput<typeof AgentSession> & Access & AgentKeys;

export interface NewSession extends SessionRequest {
	/** URL of the relay: an https origin, or http on this machine. */
	relay: string;
	/** Seconds, at most 3600. */
	expiresIn?: number;
	/** The most octets the wallet may send, sealed. */
	maxBytes?: number;
}

/**
 * Makes the keys and announces the session to the relay.
 * @throws {AgentError} `relay_url_invalid`, `request_invalid`, or an error of the relay after three tries
 */
export async function createSession(
	{ relay, expiresIn = LIMITS.sessionSeconds, maxBytes, ...asked }: NewSession,
	world: World = realWorld,
): Promise<AgentSession> {
	const origin = relayOrigin(relay);
	const request = v.safeParse(SessionRequest, asked);
	if (!request.success) throw new AgentError('request_invalid');
	const keys = { sid: random(16), secret: random(32), ...(await generateKeyPair()) };
	const read = random(32);
	const derived = await deriveKeys(keys);
	const body = {
		readHash: await tokenHash(read),
		writeHash: await tokenHash(derived.write),
		expiresIn,
		...(maxBytes !== undefined && { maxBytes }),
		request: await sealRequest(request.output, derived.request),
	};
	if (body.request.length > 12 * 1024) throw new AgentError('request_invalid');
	const { expiresAt } = await retry(world, 3, () =>
		exchange(world, createSessionRequest({ relay: origin, sid: keys.sid }, body), (response) =>
			processCreateSessionResponse(response, { now: world.now(), expiresIn }),
		),
	);
	return { v: 1, relay: origin, ...keys, read, code: derived.code, expiresAt };
}

/** What a person is shown. The link is itself the capability to claim the session, and meant to be passed on. */
export function sessionLink(session: AgentSession): { url: string; code: string; expiresAt: string } {
	const { relay, code, expiresAt } = session;
	return { url: makeLink(relay, session), code: spacedCode(code), expiresAt };
}

export type WaitEvent =
	| { event: 'claimed' }
	/** Octets and parts that have reached the relay, as the relay says. */
	| { event: 'receiving'; bytes: number; parts: number };

/**
 * Seconds a poll is held. A relay wakes it for a claim, a part and the manifest: this is how late a claim, or a part, is
 * that fell between two polls, or that a relay does not wake for. The first one only looks: after a restart much may have happened.
 */
const HOLD = { first: 0, open: 10, claimed: 3 };

/**
 * The least milliseconds between two polls: a relay that answers at once, because it holds no request, is not asked in a
 * rush. When something has moved, the next poll may be the one that the manifest ends, and comes as good as at once.
 */
const PACE = { still: 500, moving: 20 };

/** Clocks differ and answers take time: how long after `expiresAt` our own clock calls it over, in ms. */
const GRACE = 30_000;

/**
 * Waits for the manifest by long polls; network errors, 5xx and 429 are waited out for as long as the session lives.
 * Yields what changes and returns the sealed manifest.
 * @throws {AgentError} `session_not_found`, `session_gone`, `session_expired`, `relay_refused`, `relay_invalid`,
 * `manifest_invalid` it is larger than one may be, `interrupted`
 */
export async function* waitForManifest(
	session: AgentSession,
	world: World = realWorld,
): AsyncGenerator<WaitEvent, string, void> {
	const end = Date.parse(session.expiresAt) + GRACE;
	let claimed = false;
	let seen = 0;
	let looked = false;
	for (let failures = 0; ; ) {
		checkInterrupted(world);
		if (world.now() > end) throw new AgentError('session_expired');
		const asked = world.now();
		const hold = !looked ? HOLD.first : claimed ? HOLD.claimed : HOLD.open;
		let pace = looked ? PACE.still : PACE.moving;
		try {
			const answer = await exchange(world, manifestRequest(session, hold), processManifestResponse, (hold + 30) * 1000);
			failures = 0;
			looked = true;
			if (!claimed && (answer.ready || answer.state !== 'open')) {
				claimed = true;
				pace = PACE.moving;
				yield { event: 'claimed' };
			}
			if (answer.ready) return answer.manifest;
			if (answer.bytes > seen) {
				seen = answer.bytes;
				pace = PACE.moving;
				yield { event: 'receiving', bytes: answer.bytes, parts: answer.parts };
			}
		} catch (error) {
			if (!isTransient(error)) throw error;
			await backOff(world, failures++, error);
			continue;
		}
		if (world.now() - asked < pace) await world.sleep(pace, world.signal).catch(() => checkInterrupted(world));
	}
}

/** Deletes the session at the relay. True when it is gone for certain; otherwise it goes when it expires. */
export async function closeSession(session: Access, world: World = realWorld): Promise<boolean> {
	try {
		await retry(world, 3, () => exchange(world, deleteSessionRequest(session), processDeleteSessionResponse));
		return true;
	} catch (error) {
		if (error instanceof AgentError) return error.code === 'session_not_found';
		throw error;
	}
}
