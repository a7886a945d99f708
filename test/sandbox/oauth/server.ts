/**
 * One health system's authorization server: oidc-provider set up as SMART App Launch 2.2 asks, with the system's own
 * habits on top. Tokens are opaque and bound to a grant, and the grant to a patient.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { JWK, Provider } from 'oidc-provider';
import { readForm, sendJson } from '../http.js';
import { errorPage } from '../pages.js';
import type { SystemProfile } from '../systems.js';
import { createInteractions } from './interaction.js';
import { loadLibrary } from './library.js';
import { supportedScopes } from './scopes.js';
import { Storage } from './storage.js';

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
	jwks: { keys: JWK[] };
	cookieKey: string;
	/** Overrides the system's, in seconds. */
	accessSeconds?: number;
	logins: Login[];
	/** The id of a login's Patient at this system. */
	patientId(username: string): string;
	/** What a fault wants changed in this request's token response. */
	tokenPatch(req: IncomingMessage): Record<string, unknown> | undefined;
	count(what: 'refresh' | 'replay'): void;
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
	const storage = new Storage();
	const scopes = supportedScopes(auth, options.types);
	const accessSeconds = options.accessSeconds ?? auth.accessSeconds;
	const refreshes = auth.refresh !== 'none';
	const rotates = auth.refresh === 'rolling' || auth.refresh === 'renewing';
	const usedRefreshTokens = new Set<string>();

	const provider: Provider = new Provider(issuer, {
		adapter: (model: string) => storage.adapter(model),
		clients: [
			{
				client_id: `satchel-${profile.id}`,
				redirect_uris: options.redirectUris,
				grant_types: refreshes ? ['authorization_code', 'refresh_token'] : ['authorization_code'],
				response_types: ['code'],
				token_endpoint_auth_method: 'none',
			},
		],
		clientAuthMethods: ['none'],
		clockTolerance: 0,
		responseTypes: ['code'],
		scopes,
		claims: { openid: ['sub'], fhirUser: ['fhirUser'], profile: ['name'] },
		conformIdTokenClaims: false,
		jwks: options.jwks,
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
			revocation: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
		},
		clientBasedCORS: () => true,
		expiresWithSession: async () => false,
		rotateRefreshToken: (ctx) => {
			if (auth.refreshNeedsScope && !ctx.oidc.params?.scope) throw new errors.InvalidRequest('scope is missing');
			return rotates;
		},
		ttl: {
			AccessToken: () => accessSeconds,
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
		if (used !== null && usedRefreshTokens.has(used)) options.count('replay');
		if (ctx.status !== 200) return;
		if (used !== null) {
			options.count('refresh');
			if (rotates) usedRefreshTokens.add(used);
		}
		const body = ctx.body as Record<string, unknown>;
		const grant = storage.grants.get(ctx.oidc?.entities.Grant?.jti ?? '');
		if (grant) {
			body.patient = options.patientId(grant.username);
			if (used !== null && auth.refresh === 'static') delete body.refresh_token;
			if (body.refresh_token !== undefined && auth.tellsEnd === 'refresh_expires_in') {
				body.refresh_expires_in = grant.endsAt === null ? 0 : grant.endsAt - now();
			}
		}
		for (const [name, value] of Object.entries(options.tokenPatch(ctx.req) ?? {})) {
			if (value === null) delete body[name];
			else body[name] = value;
		}
	});

	const serve = provider.callback();
	const interactions = createInteractions({ provider, profile, base, logins: options.logins, storage });

	async function access(token: string): Promise<Access | null> {
		const found = await provider.AccessToken.find(token);
		const grant = found && !found.isExpired ? storage.grants.get(found.grantId) : undefined;
		if (!found || !grant) return null;
		return { username: grant.username, scopes: new Set((found.scope ?? '').split(' ')) };
	}

	/** RFC 7662 as Epic offers it: a public client asks about its refresh token with the access token as bearer. */
	async function introspect(req: IncomingMessage, res: ServerResponse): Promise<void> {
		const form = await readForm(req);
		const bearer = /^Bearer (.+)$/i.exec(req.headers.authorization ?? '')?.[1];
		const caller = bearer === undefined ? undefined : await provider.AccessToken.find(bearer);
		if (!caller?.isValid) {
			sendJson(res, 401, { error: 'invalid_client' });
			return;
		}
		const asked = form.get('token') ?? '';
		const token = (await provider.RefreshToken.find(asked)) ?? (await provider.AccessToken.find(asked));
		if (!token?.isValid || token.grantId !== caller.grantId) {
			sendJson(res, 200, { active: false });
			return;
		}
		const { scope, clientId, exp, iat, accountId } = token;
		sendJson(res, 200, { active: true, scope, client_id: clientId, exp, iat, sub: accountId, iss: issuer });
	}

	async function handle(req: IncomingMessage, res: ServerResponse, path: string, search: string): Promise<void> {
		if (path.startsWith('/interaction/')) return interactions(req, res, path);
		if (path === '/introspect' && req.method === 'POST' && auth.tellsEnd === 'introspection') {
			return introspect(req, res);
		}
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
		await serve(req, res);
	}

	return { issuer, scopes, storage, handle, access };
}
