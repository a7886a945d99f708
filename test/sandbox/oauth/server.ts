/**
 * One health system's authorization server: oidc-provider set up as SMART App Launch 2.2 asks, with the system's own
 * habits on top. Tokens are opaque and bound to a grant, and the grant to a patient.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { JWK, Provider } from 'oidc-provider';
import { sendJson } from '../http.js';
import { errorPage } from '../pages.js';
import type { SystemProfile } from '../profile.js';
import { movedIdToken, tellEnd, useJwtRefreshTokens } from './answers.js';
import { type ClientKeys, claimsProblem, clientMetadata } from './assertions.js';
import { createDevices } from './devices.js';
import { createInteractions } from './interaction.js';
import { introspect } from './introspect.js';
import { loadLibrary } from './library.js';
import { Rotation } from './rotation.js';
import { supportedScopes } from './scopes.js';
import { Storage } from './storage.js';
import { Throttle } from './throttle.js';

/** Longer than any sandbox lives. */
const FOREVER = 10 * 365 * 24 * 3600;
const now = () => Math.floor(Date.now() / 1000);

export interface Login {
	username: string;
	name: string;
}

export interface AuthorizationOptions {
	profile: SystemProfile;
	origin: string;
	redirectUris: string[];
	types: string[];
	/** The key that id_tokens are signed with. */
	key: JWK;
	/** The client's keys, where it has some. */
	clientKeys?: ClientKeys;
	cookieKey: string;
	logins: Login[];
	/** The id of a login's Patient at this system. */
	patientId(username: string): string;
	/** What a fault wants changed in this request's token response. */
	tokenPatch(req: IncomingMessage): Record<string, unknown> | undefined;
	count(what: 'refreshes' | 'replays' | 'familiesRevoked' | 'registrations'): void;
}

/** What an access token gives. */
export interface Access {
	username: string;
	scopes: Set<string>;
}

export interface AuthorizationServer {
	issuer: string;
	scopes: string[];
	storage: Storage;
	/** Answers a request whose path, below the issuer, is `path`. */
	handle(req: IncomingMessage, res: ServerResponse, path: string, search: string): Promise<void>;
	/** Null: unknown, expired or revoked. */
	access(token: string): Promise<Access | null>;
}

export async function createAuthorizationServer(options: AuthorizationOptions): Promise<AuthorizationServer> {
	const { profile, origin } = options;
	const { auth } = profile;
	const { Provider, errors } = await loadLibrary();
	const base = `/${profile.id}/oauth`;
	const issuer = `${origin}${base}`;
	const fhirBase = `${origin}/${profile.id}/fhir`;
	const storage = new Storage(auth);
	const scopes = supportedScopes(auth, options.types);
	const rotates = auth.refresh === 'rolling' || auth.refresh === 'renewing';
	const rotation = new Rotation(auth, storage, options.count);
	const clientId = `satchel-${profile.id}`;
	const tokenEndpoint = `${issuer}/token`;
	const skew = profile.clockSkewSeconds;
	const serverNow = () => now() + skew;
	const throttle = new Throttle(auth.refreshesPerMinute);

	const provider: Provider = new Provider(issuer, {
		adapter: (model: string) => storage.adapter(model),
		clients: [clientMetadata(profile, options.redirectUris, options.clientKeys)],
		clientAuthMethods: ['none', 'private_key_jwt'],
		enabledJWA: { clientAuthSigningAlgValues: ['RS384', 'ES384'] },
		// The library knows one clock only. It is to be lenient by the difference, and the claims are judged below.
		clockTolerance: Math.abs(skew),
		assertJwtClientAuthClaimsAndHeader: (ctx, claims, _header, client) => {
			const audiences = [tokenEndpoint, `${issuer}${ctx.path}`];
			const problem = claimsProblem(claims, { clientId: client.clientId, audiences, now: serverNow() });
			if (problem !== null) throw new errors.InvalidClientAuth(problem);
		},
		// Without the library's dispatcher, which stays away from loopback: everything here is on loopback.
		fetch: (url, { method, headers, signal } = {}) => fetch(url, { method, headers, signal } as RequestInit),
		responseTypes: ['code'],
		scopes,
		claims: { openid: ['sub'], fhirUser: ['fhirUser'], profile: ['name'] },
		conformIdTokenClaims: false,
		jwks: { keys: [options.key] },
		cookies: {
			keys: [options.cookieKey],
			names: {
				session: `_${profile.id}_session`,
				interaction: `_${profile.id}_interaction`,
				resume: `_${profile.id}_resume`,
			},
		},
		pkce: { required: () => true },
		extraParams: {
			launch: null,
			// S:41: the token is for this FHIR server and no other.
			aud: (_ctx: unknown, value: string | undefined) => {
				if (value?.replace(/\/$/, '') !== fhirBase) throw new errors.InvalidRequest('aud must be the FHIR base URL');
			},
		},
		features: {
			devInteractions: { enabled: false },
			rpInitiatedLogout: { enabled: false },
			userinfo: { enabled: false },
			revocation: {
				enabled: auth.revocation !== 'absent',
				allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId,
			},
		},
		clientBasedCORS: () => true,
		expiresWithSession: async () => false,
		rotateRefreshToken: (ctx) => {
			if (auth.refreshNeedsScope && !ctx.oidc.params?.scope) throw new errors.InvalidRequest('scope is missing');
			throttle.take(ctx, ctx.oidc.entities.RefreshToken?.grantId ?? '', errors);
			return rotates;
		},
		ttl: {
			AccessToken: auth.accessSeconds,
			AuthorizationCode: 60,
			Grant: FOREVER,
			IdToken: 3600,
			Interaction: 3600,
			Session: 3600,
			RefreshToken: (_ctx, token) => {
				const grant = storage.grants.get(token.grantId ?? '');
				if (!grant || grant.durationSeconds === 0) return FOREVER;
				if (auth.refresh === 'renewing') grant.endsAt = now() + grant.durationSeconds;
				return Math.max(1, (grant.endsAt ?? now()) - now());
			},
		},
		interactions: { url: (_ctx, interaction) => `${base}/interaction/${interaction.uid}` },
		findAccount: (_ctx, username) => ({
			accountId: username,
			claims: () => ({
				sub: username,
				name: options.logins.find((login) => login.username === username)?.name,
				fhirUser: `${fhirBase}/Patient/${options.patientId(username)}`,
			}),
		}),
		renderError: (ctx, out) => {
			ctx.type = 'html';
			ctx.body = errorPage(profile.name, out.error, out.error_description ?? '');
		},
	});

	provider.use(async (ctx, next) => {
		await next();
		if (ctx.path !== '/token' || ctx.method !== 'POST') return;
		const params = ctx.oidc?.params;
		const used = params?.grant_type === 'refresh_token' ? String(params.refresh_token) : null;
		const body = ctx.body as Record<string, unknown>;
		if (ctx.status !== 200) {
			if (used !== null) rotation.failed(used, body.error);
			return;
		}
		const grantId = ctx.oidc?.entities.Grant?.jti ?? '';
		if (used !== null) rotation.refreshed(used, grantId);
		const grant = storage.grants.get(grantId);
		if (grant) {
			body.patient = options.patientId(grant.username);
			if (used !== null && auth.refresh === 'static') delete body.refresh_token;
			tellEnd(body, auth.tellsEnd, grant, serverNow(), skew);
		}
		if (skew !== 0 && typeof body.id_token === 'string') {
			body.id_token = await movedIdToken(body.id_token, options.key, skew);
		}
		for (const [name, value] of Object.entries(options.tokenPatch(ctx.req) ?? {})) {
			if (value === null) delete body[name];
			else body[name] = value;
		}
	});

	if (auth.tellsEnd === 'jwt') {
		useJwtRefreshTokens(provider, options.cookieKey, serverNow, (grantId, seconds) =>
			storage.grants.get(grantId)?.durationSeconds === 0 ? null : seconds,
		);
	}
	const register =
		auth.client.method === 'device-key'
			? createDevices({
					provider,
					errors,
					storage,
					softwareId: clientId,
					tokenEndpoint,
					accessSeconds: auth.accessSeconds,
					now: serverNow,
					registered: () => options.count('registrations'),
				})
			: undefined;
	const serve = provider.callback();
	/** One token request after the other, so that what has rotated is known before the next one is judged. */
	let turn: Promise<unknown> = Promise.resolve();
	const interactions = createInteractions({ provider, profile, base, logins: options.logins, storage });

	async function access(token: string): Promise<Access | null> {
		const found = await provider.AccessToken.find(token);
		const grant = found && !found.isExpired ? storage.grants.get(found.grantId) : undefined;
		if (!found || !grant) return null;
		return { username: grant.username, scopes: new Set((found.scope ?? '').split(' ')) };
	}

	async function handle(req: IncomingMessage, res: ServerResponse, path: string, search: string): Promise<void> {
		if (path.startsWith('/interaction/')) return interactions(req, res, path);
		if (path === '/introspect' && req.method === 'POST' && auth.tellsEnd === 'introspection') {
			return introspect(provider, skew, req, res);
		}
		if (path === '/register' && register) return register(req, res);
		if (path === '/token/revocation' && auth.revocation === 'fails')
			return sendJson(res, 500, { error: 'server_error' });
		let query = search;
		if (path === '/auth' || path.startsWith('/auth/')) {
			// Everybody signs in each time: without a session cookie there is no earlier account to trip over.
			const kept = (req.headers.cookie ?? '').split(/;\s*/).filter((c) => !c.startsWith(`_${profile.id}_session`));
			req.headers.cookie = kept.join('; ');
		}
		if (path === '/auth' && req.method === 'GET') {
			// oidc-provider drops offline_access unless consent was asked for, and SMART clients do not send a prompt.
			const params = new URLSearchParams(search);
			params.set('prompt', 'login consent');
			query = `?${params}`;
		}
		req.url = `${path}${query}`;
		Object.assign(req, { originalUrl: `${base}${req.url}` });
		const answered = path === '/token' ? turn.then(() => serve(req, res)) : serve(req, res);
		if (path === '/token') turn = answered.catch(() => {});
		await answered;
	}

	return { issuer, scopes, storage, handle, access };
}
