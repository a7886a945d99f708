/**
 * The agent's steps of session protocol 1 as pure pairs: `xRequest()` makes a Request, `processXResponse()` reads the
 * Response or throws an AgentError. No I/O beyond reading the body that was handed in.
 */
import * as v from 'valibot';
import {
	BlobList,
	type CreateSession,
	LIMITS,
	Problem,
	routes,
	SessionCreated,
	SessionState,
	waitHeaders,
} from '../contract.js';
import { sha256 } from '../envelope.js';
import { AgentError } from './errors.js';

/** What every request of the agent needs. `relay` is an origin, `read` the bearer token. */
export interface Access {
	relay: string;
	sid: string;
	read: string;
}

/** @throws {AgentError} `relay_url_invalid` with `detail`, unless an https origin, or an http one on this machine. */
export function relayOrigin(text: string): string {
	const invalid = (detail: string) => new AgentError('relay_url_invalid', { detail });
	const url = URL.canParse(text) ? new URL(text) : null;
	if (url?.protocol !== 'https:' && url?.protocol !== 'http:') {
		throw invalid('begin it with https:// (or http:// on this machine)');
	}
	const loopback = /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
	if (url.protocol === 'http:' && !loopback) throw invalid('http is for this machine only; begin it with https://');
	if (url.pathname !== '/' || url.search || url.hash || url.username || url.password) {
		throw invalid('end it after the host, as in https://satchel.example');
	}
	return url.origin;
}

function request({ relay, read }: Omit<Access, 'sid'>, path: string, init: RequestInit = {}): Request {
	return new Request(relay + path, {
		credentials: 'omit',
		// A redirect would carry the token elsewhere; it is read as an answer that is not of the protocol.
		redirect: 'manual',
		...init,
		headers: { authorization: `Bearer ${read}`, ...init.headers },
	});
}

// --- PUT /api/sessions/{sid} -------------------------------------------------------------------------------------

/** The same body may be sent again: the relay answers 200. */
export function createSessionRequest({ relay, sid }: Omit<Access, 'read'>, body: CreateSession): Request {
	return new Request(relay + routes.session(sid), {
		method: 'PUT',
		credentials: 'omit',
		redirect: 'manual',
		headers: { 'content-type': 'application/json' },
		body: JSON.stringify(body),
	});
}

/**
 * `expiresAt` is put on our own clock when the relay's (its `Date`) differs by a minute or more, and is never later
 * than asked for.
 */
export async function processCreateSessionResponse(
	response: Response,
	{ now, expiresIn }: { now: number; expiresIn: number },
): Promise<SessionCreated> {
	if (response.status !== 200 && response.status !== 201) throw await refusal(response);
	const created = v.safeParse(SessionCreated, await json(response));
	const end = created.success ? Date.parse(created.output.expiresAt) : Number.NaN;
	if (!created.success || Number.isNaN(end)) throw new AgentError('relay_invalid');
	const ahead = Date.parse(response.headers.get('date') ?? '') - now;
	const ours = Math.abs(ahead) >= 60_000 ? end - ahead : end;
	return { ...created.output, expiresAt: new Date(Math.min(ours, now + expiresIn * 1000)).toISOString() };
}

// --- GET /manifest -----------------------------------------------------------------------------------------------

/** @param wait seconds the relay may hold the request until something happens */
export function manifestRequest(access: Access, wait: number): Request {
	return request(access, `${routes.manifest(access.sid)}?wait=${wait}`, { headers: { accept: 'application/jose' } });
}

/** `bytes` and `parts` have reached the relay so far, as the relay says. */
export type ManifestAnswer =
	| { ready: false; state: SessionState; parts: number; bytes: number }
	| { ready: true; manifest: string };

export async function processManifestResponse(response: Response): Promise<ManifestAnswer> {
	const { status, headers } = response;
	if (status === 204) {
		const state = v.safeParse(SessionState, headers.get(waitHeaders.state));
		if (!state.success) throw new AgentError('relay_invalid');
		return {
			ready: false,
			state: state.output,
			parts: count(headers.get(waitHeaders.parts)),
			bytes: count(headers.get(waitHeaders.bytes)),
		};
	}
	if (status !== 200) throw await refusal(response);
	if (!/^application\/jose\b/i.test(headers.get('content-type') ?? '')) throw new AgentError('relay_invalid');
	const octets = await body(response, LIMITS.manifestBytes);
	if (!octets) throw new AgentError('manifest_invalid');
	return { ready: true, manifest: Buffer.from(octets).toString('latin1') };
}

function count(header: string | null): number {
	const number = Number(header ?? 0);
	return Number.isSafeInteger(number) && number >= 0 ? number : 0;
}

// --- GET /blobs -------------------------------------------------------------------------------------------------

export function blobsRequest(access: Access): Request {
	return request(access, routes.blobs(access.sid), { headers: { accept: 'application/json' } });
}

/** What the relay says has arrived: where to ask, and nothing to rely on. */
export interface ListedPart {
	bid: string;
	n: number;
	bytes: number;
}

export async function processBlobsResponse(response: Response): Promise<ListedPart[]> {
	if (response.status !== 200) throw await refusal(response);
	const list = v.safeParse(BlobList, await json(response, LIMITS.manifestBytes));
	if (!list.success) throw new AgentError('relay_invalid');
	return Object.entries(list.output.blobs).flatMap(([bid, parts]) => parts.map((part) => ({ bid, ...part })));
}

// --- GET /blobs/{bid}/{n} ----------------------------------------------------------------------------------------

export function partRequest(access: Access, bid: string, n: number): Request {
	return request(access, routes.part(access.sid, bid, n), { headers: { accept: 'application/octet-stream' } });
}

/**
 * The sealed octets, already compared with `digest` of the manifest.
 * @throws {AgentError} `part_invalid` other octets, or (with a RangeError as cause) more than a part may have;
 * `part_missing`
 */
export async function processPartResponse(response: Response, digest: string): Promise<Uint8Array> {
	if (response.status !== 200) throw await refusal(response);
	const octets = await body(response, LIMITS.partBytes);
	if (!octets) throw new AgentError('part_invalid', { cause: new RangeError('longer than a part may be') });
	if ((await sha256(octets)) !== digest) throw new AgentError('part_invalid');
	return octets;
}

/**
 * As many octets as the relay's own list says, compared with nothing yet.
 * @throws {AgentError} `part_invalid` another number of octets; `part_missing`
 */
export async function processSealedResponse(response: Response, bytes: number): Promise<Uint8Array> {
	if (response.status !== 200) throw await refusal(response);
	const octets = await body(response, bytes);
	if (octets?.length !== bytes) throw new AgentError('part_invalid');
	return octets;
}

// --- DELETE /api/sessions/{sid} ----------------------------------------------------------------------------------

export function deleteSessionRequest(access: Access): Request {
	return request(access, routes.session(access.sid), { method: 'DELETE' });
}

/** Gone already is as good as deleted. */
export async function processDeleteSessionResponse(response: Response): Promise<void> {
	if (response.status === 204 || response.status === 410) return;
	throw await refusal(response);
}

// --- what all answers share --------------------------------------------------------------------------------------

/**
 * A 404 or 410 ends the session only when it is the relay's own problem details: one from something in between (a
 * proxy, a captive portal) must not make the agent give up its keys.
 */
async function refusal(response: Response): Promise<AgentError> {
	const { status, headers } = response;
	const retryAfter = seconds(headers.get('retry-after'));
	const problem = v.safeParse(Problem, await json(response).catch(() => null));
	const { code, correlationId: said = '' } = problem.success ? problem.output : {};
	// Somebody else's text, which is told to people and written into logs: nothing but what an id is made of.
	const correlationId = /^[\w-]{1,64}$/.test(said) ? said : undefined;
	if (status === 429 || status === 408) return new AgentError('relay_busy', { retryAfter, correlationId });
	if (status >= 500) return new AgentError('relay_unavailable', { retryAfter, correlationId });
	if (code === undefined || status < 400) return new AgentError('relay_invalid');
	switch (code) {
		case 'session_not_found':
			return new AgentError('session_not_found', { correlationId });
		case 'session_gone':
			return new AgentError('session_gone', { correlationId });
		case 'part_not_found':
			return new AgentError('part_missing', { correlationId });
		default: {
			const detail = /^[a-z_]{1,40}$/.test(code) ? code : undefined;
			return new AgentError('relay_refused', { cause: code, detail, correlationId });
		}
	}
}

/** `Retry-After` in either of its forms (RFC 9110, section 10.2.3). */
function seconds(header: string | null): number | undefined {
	if (!header) return undefined;
	const value = /^\d+$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1000;
	return Number.isFinite(value) ? Math.max(0, value) : undefined;
}

async function json(response: Response, cap: number = LIMITS.jsonBytes): Promise<unknown> {
	const octets = await body(response, cap);
	try {
		return JSON.parse(Buffer.from(octets ?? []).toString('utf8'));
	} catch (cause) {
		throw new AgentError('relay_invalid', { cause });
	}
}

/** The body, or null as soon as it is longer than `cap`, whatever its Content-Length says. */
async function body(response: Response, cap: number): Promise<Uint8Array | null> {
	const chunks: Uint8Array[] = [];
	let length = 0;
	try {
		const reader = response.body?.getReader();
		for (;;) {
			const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
			if (done || !value) break;
			length += value.length;
			if (length > cap) {
				await reader?.cancel();
				return null;
			}
			chunks.push(value);
		}
	} catch (cause) {
		throw new AgentError('relay_unreachable', { cause });
	}
	return Buffer.concat(chunks, length);
}
