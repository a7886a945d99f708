/**
 * Sessions as the wallet holds them. The link's secret comes in once, with `openSession`, and stays in the worker; the
 * session is claimed with a token of our own, which is on disk before it is sent, so that no crash locks the person out.
 */
import { LIMITS, type SessionRequest } from '../../relay/contract.js';
import { deriveKeys, openRequest, random, type SessionKeys, spacedCode, tokenHash } from '../../relay/envelope.js';
import { LinkError, parseFragment, type SessionLink } from '../../relay/link.js';
import type { ErrorCode, JobView, SessionView } from '../contract.js';
import { endCopy } from '../copy/copy.js';
import { asBrokerError, BrokerError, isTransient } from '../errors.js';
import { listConnections, updateConnection } from '../wallet/connections.js';
import type { RowKey } from '../wallet/db.js';
import { removeConnection } from '../wallet/remove.js';
import { Conflict, commit, read, readAll, update } from '../wallet/rows.js';
import { claimRequest, processAcknowledgement, processSession, relay, sessionRequest } from './relay.js';

export interface Session {
	sid: string;
	/** Null once nothing more is to be sent: what could open or seal anything is wiped first. */
	secrets: { link: SessionLink; keys: SessionKeys; owner: string } | null;
	claimed: boolean;
	state: SessionView['state'];
	expiresAt: number;
	maxBytes: number;
	partBytes: number;
	request: SessionRequest | null;
	code: string;
	include: string[];
	/** Missing in rows of an earlier version. */
	from?: SessionView['from'];
	afterwards: SessionView['afterwards'];
	jobId: string | null;
}

const KIND = 'session';
export const sessionKey = (sid: string): RowKey => [KIND, sid];

/** A session that has ended is remembered for a day, so that its page can still say what happened. */
const REMEMBER_MS = 24 * 60 * 60_000;

/**
 * @param fragment of the link; null on a return to a session that this wallet has opened before
 * @throws {BrokerError} `link_*`, `session_not_found`, `session_gone`, `already_claimed`, `already_sent`,
 * `request_invalid`
 */
export async function openSession(sid: string, fragment: string | null): Promise<Session> {
	const known =
		(await read<Session>(sessionKey(sid)))?.value ?? (fragment === null ? undefined : await begin(sid, fragment));
	if (!known) throw new BrokerError('link_incomplete');
	// The same session with other keys is another assistant's link, or a changed one.
	if (fragment !== null && known.secrets) {
		const { pk, secret } = parse(sid, fragment);
		if (pk !== known.secrets.link.pk || secret !== known.secrets.link.secret) throw new BrokerError('link_invalid');
	}
	if (known.state !== 'open' || !known.secrets) return known;
	try {
		return known.claimed ? await check(known) : await claim(known);
	} catch (error) {
		// Without a network the page still shows what was asked; sending will wait.
		if (known.claimed && isTransient(asBrokerError(error).code)) return known;
		throw error;
	}
}

function parse(sid: string, fragment: string): SessionLink {
	try {
		return parseFragment(sid, fragment);
	} catch (error) {
		throw new BrokerError(error instanceof LinkError ? error.code : 'link_invalid', { cause: error });
	}
}

/** Keys and a row of our own, before anything is said to the relay. */
async function begin(sid: string, fragment: string): Promise<Session> {
	const link = parse(sid, fragment);
	const keys = await deriveKeys(link);
	const session: Session = {
		sid,
		secrets: { link, keys, owner: random(32) },
		claimed: false,
		state: 'open',
		// At the latest; the relay knows it exactly.
		expiresAt: Date.now() + LIMITS.sessionSeconds * 1000,
		maxBytes: 0,
		partBytes: 0,
		request: null,
		code: spacedCode(keys.code),
		include: [],
		from: {},
		afterwards: null,
		jobId: null,
	};
	try {
		await commit([{ key: sessionKey(sid), expect: 0, value: session }]);
		return session;
	} catch (error) {
		// Another tab opened the same link at the same moment: its row is as good.
		if (error instanceof Conflict) return getSession(sid);
		throw error;
	}
}

/** Steps 2 of "Order of events": look, open the request, claim. */
async function claim(session: Session): Promise<Session> {
	const { sid, secrets } = session;
	if (!secrets) return session;
	try {
		const info = await relay(sessionRequest(sid, secrets.keys.write), processSession);
		const request = info.request ? await openSealedRequest(info.request, secrets.keys.request) : null;
		if (info.state === 'sent') throw new BrokerError('already_sent');
		await relay(claimRequest(sid, secrets.keys.write, await tokenHash(secrets.owner)), processAcknowledgement);
		const { maxBytes, partBytes } = info;
		const change = { claimed: true, expiresAt: info.expiresAt, maxBytes, partBytes, request };
		return (await updateSession(sid, change)) ?? { ...session, ...change };
	} catch (error) {
		// A session that is not ours leaves no trace. After any other failure it may be ours already, and `owner` is the only
		// way back in.
		if (NOT_OURS.has(asBrokerError(error).code)) await forgetSession(sid);
		throw error;
	}
}

const NOT_OURS = new Set<ErrorCode>([
	'session_not_found',
	'session_gone',
	'already_claimed',
	'already_sent',
	'request_invalid',
]);

async function openSealedRequest(jwe: string, key: string): Promise<SessionRequest> {
	try {
		return await openRequest(jwe, key);
	} catch (cause) {
		throw new BrokerError('request_invalid', { cause });
	}
}

/** Asks whether a claimed session is still there. */
async function check(session: Session): Promise<Session> {
	const { sid, secrets } = session;
	if (!secrets) return session;
	try {
		const info = await relay(sessionRequest(sid, secrets.owner), processSession);
		return (await updateSession(sid, { expiresAt: info.expiresAt })) ?? session;
	} catch (error) {
		const { code } = asBrokerError(error);
		if (code !== 'session_gone' && code !== 'session_not_found') throw error;
		return (await endUnsent(sid)) ?? ended(session, 'gone');
	}
}

/** The session without what could open or seal anything; the rest is remembered for the page. */
export function ended(session: Session, state: 'sent' | 'gone'): Session {
	return { ...session, state, secrets: null };
}

/** Ends a session that nothing was sent to. One whose send was finished meanwhile stays sent. */
function endUnsent(sid: string): Promise<Session | undefined> {
	return update<Session>(sessionKey(sid), (session) => (session.state === 'open' ? ended(session, 'gone') : undefined));
}

export async function getSession(sid: string): Promise<Session> {
	const row = await read<Session>(sessionKey(sid));
	if (!row) throw new BrokerError('session_not_found');
	return row.value;
}

export function updateSession(sid: string, change: Partial<Session>): Promise<Session | undefined> {
	return update<Session>(sessionKey(sid), (session) => ({ ...session, ...change }));
}

async function forgetSession(sid: string): Promise<void> {
	await commit([{ key: sessionKey(sid), remove: true }]);
}

/** Adds a connection to what is chosen: the one just made for this session. */
export async function includeInSession(sid: string, connectionId: string): Promise<void> {
	await update<Session>(sessionKey(sid), (session) => ({
		...session,
		include: [...new Set([...session.include, connectionId])],
	}));
}

/** When a session is over, connections made for it are the person's to keep, or gone. */
export async function settleConnections(sid: string, afterwards: 'keep' | 'clear'): Promise<void> {
	const made = (await listConnections()).filter(({ newForSession }) => newForSession === sid);
	for (const { id } of made) {
		if (afterwards === 'clear') {
			await endCopy(id);
			await removeConnection(id);
		} else await updateConnection(id, { newForSession: null });
	}
}

/**
 * Sessions that ended without a send: their secrets go, and a choice to clear holds all the same. What nobody will look at
 * again is deleted.
 * @returns the sids that are gone
 */
export async function settleOldSessions(now: number): Promise<string[]> {
	const sessions = await readAll<Session>([KIND]);
	for (const session of sessions.filter(
		({ state, expiresAt }) => state === 'open' && expiresAt + CLOCK_SLACK_MS < now,
	)) {
		await endUnsent(session.sid);
		await settleConnections(session.sid, session.afterwards ?? 'keep');
	}
	const old = sessions.filter(({ expiresAt }) => expiresAt + REMEMBER_MS < now);
	await commit(old.map(({ sid }) => ({ key: sessionKey(sid), remove: true })));
	return old.map(({ sid }) => sid);
}

/** Clocks differ: the relay's word comes first. */
const CLOCK_SLACK_MS = 5 * 60_000;

export function viewSession(session: Session, job: JobView | null, now: number): SessionView {
	const { sid, request, code, expiresAt, include, from = {}, afterwards } = session;
	return {
		sid,
		who: request?.who ?? null,
		why: request?.why ?? null,
		wants: request?.wants ?? [],
		code,
		expiresAt,
		state: session.state === 'open' && expiresAt <= now ? 'gone' : session.state,
		include,
		from,
		afterwards,
		job,
	};
}
