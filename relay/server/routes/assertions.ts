/**
 * Signs client assertions (RFC 7523, section 3; SMART App Launch 2.2, "Client Authentication: Asymmetric") for the
 * wallet, which is a confidential client to those servers that take no other. The pairs of client and token endpoint are
 * those that the directory lists as `relay-signed`. The code or token that goes along with an assertion never comes here.
 */
import { randomUUID } from 'node:crypto';
import { Hono } from 'hono';
import { SignJWT } from 'jose';
import { type Assertion, AssertionRequest, routes } from '../../contract.js';
import { originOf } from '../config/origin.js';
import type { RelayEnv, RouteDeps } from '../deps.js';
import { RelayError } from '../errors.js';
import { readJson } from '../http/body.js';
import { signingKey } from '../keys/assertion-keys.js';
import { addressOf, Limit, MINUTE } from '../limits.js';

/** Seconds an assertion is valid, counted from `iat`: the most that SMART allows. */
const LIFETIME = 300;
/** Seconds that `iat` and `nbf` lie back, for servers whose clock is slow. */
const BACKDATED = 20;

export function assertionRoutes(deps: RouteDeps) {
	const { config, clock, counters } = deps;
	const app = new Hono<RelayEnv>();
	const perMinute = (name: string, most: number) => new Limit(counters, clock, name, [{ seconds: MINUTE, most }]);
	const byAddress = perMinute('assertions', config.assertionsPerMinute);
	const byClient = perMinute('clients', config.assertionsPerClient);
	const origin = originOf(config);
	const pairs = new Set<string>();
	for (const { clientId, clientAuth } of config.providers) {
		if (clientAuth?.method === 'relay-signed') pairs.add(pair(clientId, clientAuth.tokenEndpoint));
	}

	app.post(routes.assertions, async (c) => {
		if (!fromOwnPage(c.req.raw, origin)) throw new RelayError('assertion_refused');
		await byAddress.take(addressOf(c.req.raw, c.env.address, config.trustProxy));
		const { clientId, tokenEndpoint } = await readJson(c.req.raw, AssertionRequest, c.env, deps);
		const now = Math.floor(clock.now() / 1000);
		const key = signingKey(config.assertionKeys, now);
		if (!key) throw new RelayError('unavailable');
		if (!pairs.has(pair(clientId, tokenEndpoint))) throw new RelayError('assertion_refused');
		await byClient.take(clientId);
		const issuedAt = now - BACKDATED;
		const assertion = await new SignJWT()
			.setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'JWT' })
			.setIssuer(clientId)
			.setSubject(clientId)
			.setAudience(tokenEndpoint)
			.setJti(randomUUID())
			.setIssuedAt(issuedAt)
			.setNotBefore(issuedAt)
			.setExpirationTime(issuedAt + LIFETIME)
			.sign(key.key);
		const answer: Assertion = { assertion };
		return c.json(answer);
	});

	return app;
}

/** One text for each pair, whatever is in them. Compared as written: no endpoint is like another one. */
const pair = (clientId: string, tokenEndpoint: string) => JSON.stringify([clientId, tokenEndpoint]);

/**
 * Whether a page or worker of this relay's own origin asks: browsers say so with each POST
 * (Fetch Metadata; RFC 6454, section 7), and no page can say otherwise. What is no browser can say anything: against that
 * stand the limits, and that an assertion without a code or token of a patient opens nothing.
 */
function fromOwnPage(request: Request, origin: string): boolean {
	if (request.headers.get('Sec-Fetch-Site') === 'same-origin') return true;
	return request.headers.get('Origin') === origin;
}
