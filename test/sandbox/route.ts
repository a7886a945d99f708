/** Takes one request to a health system apart: CORS, counting and faults first, then whoever answers. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Endpoint, FaultAction, Faults } from './faults.js';
import { capabilityStatement, smartConfiguration } from './fhir/capability.js';
import { FHIR_JSON, type FhirHandler } from './fhir/server.js';
import { flood } from './flood.js';
import { governHeaders, preflight, redirect, send, sendJson } from './http.js';
import type { AuthorizationServer } from './oauth/server.js';
import type { SystemProfile } from './profile.js';
import { spoilReply, takePage } from './spoil.js';

export interface Site {
	profile: SystemProfile;
	origin: string;
	oauth: AuthorizationServer;
	fhir: FhirHandler;
	tokenPatches: WeakMap<IncomingMessage, Record<string, unknown>>;
}

const oauthEndpoints: [RegExp, Endpoint][] = [
	[/^\/auth$/, 'authorize'],
	[/^\/auth\//, 'callback'],
	[/^\/interaction\//, 'interaction'],
	[/^\/token$/, 'token'],
	[/^\/token\/revocation$/, 'revoke'],
	[/^\/introspect$/, 'introspect'],
	[/^\/register$/, 'register'],
];

/** What no person looks at. */
const forPrograms = new Set<Endpoint>(['token', 'revoke', 'introspect', 'register', 'fhir']);

function endpointOf(area: string, path: string): Endpoint {
	if (area === 'oauth') return oauthEndpoints.find(([pattern]) => pattern.test(path))?.[1] ?? 'other';
	if (area !== 'fhir') return 'other';
	if (path === '/.well-known/smart-configuration') return 'discovery';
	return path === '/metadata' ? 'metadata' : 'fhir';
}

/** `Retry-After` (RFC 9110, section 10.2.3); its date is the server's own clock's, in whole seconds and never too early. */
function retryAfter({ retryAfter }: FaultAction, clockSkewSeconds: number): Record<string, string> {
	if (!retryAfter) return {};
	const { seconds, as = 'seconds' } = retryAfter;
	const at = Math.ceil(Date.now() / 1000 + clockSkewSeconds + seconds) * 1000;
	return { 'Retry-After': as === 'date' ? new Date(at).toUTCString() : String(seconds) };
}

/** Answers in the place of the real handler where a fault says so; false: go on. */
async function misbehave(
	action: FaultAction,
	req: IncomingMessage,
	res: ServerResponse,
	{ clockSkewSeconds }: SystemProfile,
): Promise<boolean> {
	if (action.delayMs !== undefined) await sleep(action.delayMs);
	if (action.hang) return true;
	if (action.reset) {
		req.socket.destroy();
		return true;
	}
	if (action.redirectLoop) redirect(res, 302, req.url ?? '/');
	else if (action.html)
		send(res, action.status ?? 200, 'text/html', '<!doctype html><title>Portal</title><h1>Portal</h1>');
	else if (action.huge !== undefined) {
		send(res, 200, 'application/json', `{"padding":"${'x'.repeat(Math.max(0, action.huge - 14))}"}`);
	} else if (action.status !== undefined || action.body !== undefined) {
		const { status = 200, contentType = 'application/json', body = '', headers } = action;
		send(res, status, contentType, body, { ...headers, ...retryAfter(action, clockSkewSeconds) });
	} else return false;
	return true;
}

/** Lets the real handler finish its work, and only then decides what becomes of its answer. */
function governReply(action: FaultAction, faults: Faults, req: IncomingMessage, res: ServerResponse): void {
	if (!action.dropReply && !action.holdReply && action.replyAfterMs === undefined) return;
	const end = res.end.bind(res) as (...args: unknown[]) => ServerResponse;
	const governed = (...args: unknown[]) => {
		if (action.dropReply) {
			req.socket.destroy();
			return res;
		}
		const answer = () => void end(...args);
		const gone = new AbortController();
		res.once('close', () => gone.abort());
		if (action.holdReply) faults.keep(answer, gone.signal);
		else setTimeout(answer, action.replyAfterMs);
		return res;
	};
	res.end = governed as typeof res.end;
}

export async function route(
	site: Site,
	faults: Faults,
	req: IncomingMessage,
	res: ServerResponse,
	url: URL,
): Promise<void> {
	const { profile, oauth, origin } = site;
	const [, , segment = '', ...rest] = url.pathname.split('/');
	const area = segment.toLowerCase();
	const path = `/${rest.join('/')}`;
	const endpoint = endpointOf(area, path);
	const cors = area === 'oauth' ? profile.auth.cors : profile.fhir.cors;
	if (req.method === 'OPTIONS') {
		preflight(req, res, cors);
		return;
	}
	const type = endpoint === 'fhir' ? rest[0] : undefined;
	const action = faults.take(profile.id, endpoint, type, `${url.pathname}${url.search}`);
	governHeaders(res, {
		cors: cors && !action.dropCors,
		exposes: profile.exposes,
		clockSkewSeconds: profile.clockSkewSeconds,
		errorsAs500: profile.errorsAs500 && action.status === undefined && forPrograms.has(endpoint),
		...(action.iss === undefined ? {} : { iss: action.iss }),
	});
	if (action.expireAccess) oauth.storage.expire('access');
	if (await misbehave(action, req, res, profile)) return;
	if (action.flood) {
		const { contentType = type === 'Binary' ? 'application/pdf' : FHIR_JSON } = action;
		return flood(res, contentType, action.flood, (octets) => {
			faults.counts(profile.id).flooded += octets;
		});
	}
	const page = takePage(url);
	spoilReply(action, res, { url, origin, fhirBase: `${origin}/${profile.id}/fhir`, page });
	governReply(action, faults, req, res);
	if (action.tokenPatch) site.tokenPatches.set(req, action.tokenPatch);

	if (area === 'oauth') return oauth.handle(req, res, path, url.search);
	if (endpoint === 'discovery' && profile.auth.discovery === 'metadata')
		return send(res, 404, 'text/plain', 'Not Found');
	if (endpoint === 'discovery') return sendJson(res, 200, smartConfiguration(profile, oauth));
	if (endpoint === 'metadata') {
		const statement = capabilityStatement(profile, `${origin}/${profile.id}/fhir`, oauth.issuer);
		return send(res, 200, `${profile.fhir.json}; charset=utf-8`, JSON.stringify(statement));
	}
	if (endpoint === 'fhir') return site.fhir(req, res, path, url.searchParams, action);
	send(res, 404, 'text/plain', 'Not Found');
}
