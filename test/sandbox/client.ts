/** A patient and a SMART client by plain fetch, for tests: the whole code flow with PKCE, cookies and forms. */
import { createHash, randomBytes } from 'node:crypto';
import { clientAssertion } from './client-keys.js';
import type { Sandbox, SandboxSystem } from './server.js';

export const REDIRECT_URI = 'http://localhost:8787/connect/callback';
const SCOPE = 'launch/patient openid fhirUser offline_access patient/*.rs patient/*.read';

export interface TokenResponse {
	access_token: string;
	token_type: string;
	expires_in: number;
	scope: string;
	patient?: string;
	refresh_token?: string;
	refresh_expires_in?: number;
	access_grant_expiration?: string;
	id_token?: string;
}

export interface AuthorizeOptions {
	username?: string;
	password?: string;
	/** Seconds; the first one offered by default. */
	duration?: number;
	decision?: 'allow' | 'deny';
	/** Parameters of the authorization request to replace; undefined removes one. */
	params?: Record<string, string | undefined>;
}

export function systemOf(sandbox: Sandbox, id: string): SandboxSystem {
	const system = sandbox.systems.find((one) => one.id === id);
	if (!system) throw new Error(`no system ${id}`);
	return system;
}

export const oauthOf = (system: SandboxSystem) => system.fhirBaseUrl.replace(/fhir$/, 'oauth');

/** A browser as far as this flow needs one: cookies by name and path, redirects by hand. */
class Browser {
	readonly #jar = new Map<string, { path: string; pair: string }>();

	async fetch(url: string, init: RequestInit = {}): Promise<Response> {
		const { pathname } = new URL(url);
		const cookie = [...this.#jar.values()].filter(({ path }) => pathname.startsWith(path)).map(({ pair }) => pair);
		const headers = { ...init.headers, cookie: cookie.join('; ') };
		const response = await fetch(url, { ...init, headers, redirect: 'manual' });
		for (const line of response.headers.getSetCookie()) {
			const [pair = ''] = line.split(';');
			const path = /;\s*path=([^;]+)/i.exec(line)?.[1] ?? '/';
			const name = `${pair.split('=')[0]}|${path}`;
			if (/=$/.test(pair) || /1970/.test(line)) this.#jar.delete(name);
			else this.#jar.set(name, { path, pair });
		}
		return response;
	}

	/** Follows redirects as long as they stay at `origin`; answers the last response and the address it left for. */
	async follow(url: string, origin: string, init?: RequestInit): Promise<{ response: Response; url: string }> {
		let response = await this.fetch(url, init);
		let at = url;
		for (let hop = 0; hop < 10; hop++) {
			const location = response.headers.get('location');
			if (location === null) break;
			at = new URL(location, at).href;
			if (new URL(at).origin !== origin) break;
			response = await this.fetch(at);
		}
		return { response, url: at };
	}
}

/** Signs in and consents; answers the redirect back to the client and the code verifier. */
export async function authorize(
	sandbox: Sandbox,
	id: string,
	options: AuthorizeOptions = {},
): Promise<{ callback: URL; verifier: string; pages: string[] }> {
	const system = systemOf(sandbox, id);
	const verifier = randomBytes(32).toString('base64url');
	const url = new URL(`${oauthOf(system)}/auth`);
	const params: Record<string, string | undefined> = {
		response_type: 'code',
		client_id: system.clientId,
		redirect_uri: REDIRECT_URI,
		scope: system.scope ?? SCOPE,
		state: 'state-1',
		aud: system.fhirBaseUrl,
		code_challenge: createHash('sha256').update(verifier).digest('base64url'),
		code_challenge_method: 'S256',
		...options.params,
	};
	for (const [name, value] of Object.entries(params)) if (value !== undefined) url.searchParams.set(name, value);
	const browser = new Browser();
	const pages: string[] = [];
	const first = await browser.follow(url.href, sandbox.origin);
	if (new URL(first.url).origin !== sandbox.origin) return { callback: new URL(first.url), verifier, pages };
	pages.push(await first.response.text());
	const post = (step: string, form: Record<string, string>) =>
		browser.follow(`${first.url}/${step}`, sandbox.origin, { method: 'POST', body: new URLSearchParams(form) });
	const consent = await post('login', {
		username: options.username ?? 'camila',
		password: options.password ?? sandbox.password,
	});
	pages.push(await consent.response.text());
	const duration = options.duration ?? Number(/<option value="(\d+)"/.exec(pages.at(-1) ?? '')?.[1]);
	const last = await post('consent', { decision: options.decision ?? 'allow', duration: String(duration) });
	return { callback: new URL(last.url), verifier, pages };
}

export async function tokenRequest(
	sandbox: Sandbox,
	id: string,
	form: Record<string, string>,
): Promise<{ status: number; body: TokenResponse & { error?: string }; headers: Headers }> {
	const system = systemOf(sandbox, id);
	const response = await fetch(`${oauthOf(system)}/token`, {
		method: 'POST',
		headers: { origin: 'http://localhost:8787' },
		body: new URLSearchParams({ client_id: system.clientId, ...(await clientAssertion(system)), ...form }),
	});
	const body = (await response.json()) as TokenResponse & { error?: string };
	return { status: response.status, body, headers: response.headers };
}

/** The whole flow, up to tokens. */
export async function connect(sandbox: Sandbox, id: string, options: AuthorizeOptions = {}): Promise<TokenResponse> {
	const { callback, verifier } = await authorize(sandbox, id, options);
	const code = callback.searchParams.get('code');
	if (code === null) throw new Error(`no code: ${callback.searchParams.get('error')}`);
	const answer = await tokenRequest(sandbox, id, {
		grant_type: 'authorization_code',
		code,
		code_verifier: verifier,
		redirect_uri: REDIRECT_URI,
	});
	if (answer.status !== 200) throw new Error(`token: ${answer.status} ${answer.body.error}`);
	return answer.body;
}

export const refresh = (sandbox: Sandbox, id: string, refreshToken: string, form: Record<string, string> = {}) =>
	tokenRequest(sandbox, id, { grant_type: 'refresh_token', refresh_token: refreshToken, ...form });

/** A FHIR request with a token; `path` is below the base or a whole URL. */
export function fhirGet(
	sandbox: Sandbox,
	id: string,
	token: string,
	path: string,
	accept = 'application/fhir+json, application/json+fhir;q=0.9',
): Promise<Response> {
	const url = path.startsWith('http') ? path : `${systemOf(sandbox, id).fhirBaseUrl}/${path}`;
	return fetch(url, { headers: { authorization: `Bearer ${token}`, accept } });
}

export interface Bundle {
	resourceType: 'Bundle';
	total?: number;
	link: { relation: string; url: string }[];
	entry?: { fullUrl?: string; resource: { resourceType: string; id: string }; search?: { mode: string } }[];
}

/** Every page of a search. */
export async function pagesOf(sandbox: Sandbox, id: string, token: string, path: string): Promise<Bundle[]> {
	const pages: Bundle[] = [];
	for (let next: string | undefined = path; next !== undefined; ) {
		const response = await fhirGet(sandbox, id, token, next);
		if (response.status !== 200) throw new Error(`${next}: ${response.status}`);
		const page = (await response.json()) as Bundle;
		pages.push(page);
		next = page.link.find(({ relation }) => relation === 'next')?.url;
	}
	return pages;
}
