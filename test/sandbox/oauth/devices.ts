/**
 * Clients with a key of their own, after Epic's dynamic registration: the access token of one sign-in registers one key
 * (RFC 7591 in little), and its owner then gets access tokens with signed assertions (RFC 7523, section 2.1) until the
 * patient's consent ends. There is no refresh token.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createLocalJWKSet, type JWK, jwtVerify } from 'jose';
import type { errors as Errors, Provider, TokenEndpointGrantContext } from 'oidc-provider';
import { readBody, sendJson } from '../http.js';
import { claimsProblem, JWT_BEARER } from './assertions.js';
import type { Storage } from './storage.js';

interface Device {
	grantId: string;
	accountId: string;
	scope: string;
	keys: JWK[];
}

export interface DevicesOptions {
	provider: Provider;
	errors: typeof Errors;
	storage: Storage;
	/** The client that a device's client is made of. */
	softwareId: string;
	tokenEndpoint: string;
	accessSeconds: number;
	/** The server's clock, in seconds. */
	now(): number;
	registered(): void;
}

interface Registration {
	software_id?: string;
	jwks?: { keys?: JWK[] };
}

function parsed(text: string): Registration | null {
	try {
		return JSON.parse(text) as Registration | null;
	} catch {
		return null;
	}
}

export type RegisterHandler = (req: IncomingMessage, res: ServerResponse) => Promise<void>;

/** Makes the provider take the grant; answers the registration endpoint. */
export function createDevices(options: DevicesOptions): RegisterHandler {
	const { provider, errors, storage, softwareId, tokenEndpoint } = options;
	const devices = new Map<string, Device>();
	const spent = new Set<string>();

	async function verified(assertion: string | undefined, clientId: string, keys: JWK[]): Promise<void> {
		// 400 and not 401: an assertion that is a grant is no HTTP authentication.
		const refused = (cause: unknown) => new errors.InvalidClient('the assertion is not valid', { cause });
		const { payload } = await jwtVerify(assertion ?? '', createLocalJWKSet({ keys }), {
			algorithms: ['RS384'],
			currentDate: new Date(options.now() * 1000),
		}).catch((cause: unknown) => {
			throw refused(cause);
		});
		const problem = claimsProblem(payload, { clientId, audiences: [tokenEndpoint], now: options.now() });
		if (problem !== null) throw refused(problem);
		const { jti = '', exp = 0 } = payload;
		if (!(await provider.ReplayDetection.unique(clientId, jti, exp))) throw refused('jti was used before');
	}

	async function grantAccess(ctx: TokenEndpointGrantContext<{ assertion?: string }>): Promise<void> {
		const { client, params } = ctx.oidc;
		const device = devices.get(client.clientId);
		if (!device) throw new errors.InvalidClient('this client has no key');
		await verified(params.assertion, client.clientId, device.keys);
		const grant = await provider.Grant.find(device.grantId);
		const consent = storage.grants.get(device.grantId);
		const left = (consent?.endsAt ?? Number.POSITIVE_INFINITY) - Math.floor(Date.now() / 1000);
		if (!grant || !consent || left <= 0) throw new errors.InvalidGrant('the consent has ended');
		const { accountId, grantId, scope } = device;
		const expiresIn = Math.min(options.accessSeconds, left);
		const token = new provider.AccessToken({ accountId, client, grantId, gty: JWT_BEARER, scope, expiresIn });
		ctx.oidc.entity('Grant', grant);
		ctx.oidc.entity('AccessToken', token);
		ctx.body = { access_token: await token.save(), token_type: 'Bearer', expires_in: expiresIn, scope };
	}
	provider.registerGrantType<{ assertion?: string }>(JWT_BEARER, grantAccess, ['assertion', 'scope']);

	return async (req, res) => {
		const refuse = (error: string) => sendJson(res, 400, { error });
		if (req.method !== 'POST') return sendJson(res, 405, { error: 'invalid_request' });
		const bearer = /^Bearer (.+)$/i.exec(req.headers.authorization ?? '')?.[1];
		const token = bearer === undefined ? undefined : await provider.AccessToken.find(bearer);
		const consent = storage.grants.get(token?.grantId ?? '');
		if (!token?.isValid || !consent || token.clientId !== softwareId || spent.has(token.jti)) {
			return sendJson(res, 401, { error: 'invalid_token' });
		}
		const body = parsed(await readBody(req));
		if (body?.software_id !== softwareId) return refuse('unapproved_software_statement');
		const keys = body?.jwks?.keys ?? [];
		// Epic takes RSA alone. A private key that was sent along is no key of anybody's any more.
		if (keys.length !== 1 || keys[0]?.kty !== 'RSA' || 'd' in keys[0]) return refuse('invalid_client_metadata');
		spent.add(token.jti);
		const client_id = randomUUID();
		const metadata = {
			client_id,
			redirect_uris: [],
			response_types: [],
			grant_types: [JWT_BEARER],
			token_endpoint_auth_method: 'none' as const,
		};
		await storage.adapter('Client').upsert(client_id, metadata, 0);
		const scope = (token.scope ?? '').replace(/\b(offline|online)_access\b ?/g, '').trim();
		devices.set(client_id, { grantId: token.grantId ?? '', accountId: consent.username, scope, keys });
		options.registered();
		const client_id_issued_at = options.now();
		sendJson(res, 201, { ...metadata, client_id_issued_at, software_id: softwareId, jwks: { keys } });
	};
}
