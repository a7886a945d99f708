import { decodeProtectedHeader, type JWK } from 'jose';
import { describe, expect, test } from 'vitest';
import { type Provider, routes } from '../../../relay/contract.js';
import { assertionKeys } from '../../../relay/server/keys/assertion-keys.js';
import { makeRsaKey } from '../../../relay/server/keys/keygen/make.js';
import { ask, assertionOf, ec, entry, ready, rsa, verify } from './assertion-support.js';
import { setUp } from './support.js';

describe('keys in rotation', () => {
	test('are announced before they sign, and the old one stays while assertions of it are about', async () => {
		const next = await makeRsaKey(2048);
		const setup = await ready();
		const now = Math.floor(setup.clock.now() / 1000);
		const rotated = await ready({ assertionKeys: assertionKeys({ keys: [{ ...next, nbf: now + 86_400 }, rsa, ec] }) });
		const served = (await (await rotated.call('GET', routes.jwks)).json()) as { keys: JWK[] };
		expect(served.keys.map(({ kid }) => kid)).toEqual([next.kid, rsa.kid, ec.kid]);
		const before = await assertionOf(await ask(rotated));
		expect(decodeProtectedHeader(before).kid).toBe(rsa.kid);
		rotated.clock.time += 86_399_000;
		const last = await assertionOf(await ask(rotated));
		expect(decodeProtectedHeader(last).kid).toBe(rsa.kid);
		rotated.clock.time += 1000;
		const after = await assertionOf(await ask(rotated));
		expect(decodeProtectedHeader(after).kid).toBe(next.kid);
		await verify(rotated, last);
		await verify(rotated, after);
	});
});

describe('what is published', () => {
	test('are the public halves alone, RSA first, with the keys of JWKS beside them, each once', async () => {
		const another = { kty: 'RSA', n: 'n', e: 'AQAB', kid: 'embedded' };
		const [one] = assertionKeys({ keys: [rsa] });
		const { call } = await ready({
			assertionKeys: assertionKeys({ keys: [ec, rsa] }),
			jwks: { keys: [one!.publicJwk, another] },
		});
		const { keys } = (await (await call('GET', routes.jwks)).json()) as { keys: JWK[] };
		expect(keys).toEqual([
			{ kty: 'RSA', n: rsa.n, e: rsa.e, kid: rsa.kid, use: 'sig', alg: 'RS384' },
			another,
			{ kty: 'EC', crv: 'P-384', x: ec.x, y: ec.y, kid: ec.kid, use: 'sig', alg: 'ES384' },
		]);
	});

	test("is the directory with embedded keys as they are, which are nobody's secret", async () => {
		const embedded = { ...entry, id: 'e', clientAuth: { method: 'embedded-key', key: { ...rsa } } } as Provider;
		const { call } = await setUp({ providers: [embedded] });
		expect(await (await call('GET', routes.providers)).json()).toEqual({ providers: [embedded] });
	});
});
