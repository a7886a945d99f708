/** What a health system adds to the token responses of its authorization server: the patient, the end, its own clock. */
import { createHmac, randomUUID } from 'node:crypto';
import { decodeJwt, importJWK, SignJWT } from 'jose';
import type { JWK, Provider } from 'oidc-provider';
import type { AuthProfile } from '../profile.js';
import type { GrantRecord } from './storage.js';

type Body = Record<string, unknown>;

/** The end of access in the words of this system. Seconds since 1970, by its own clock. */
export function tellEnd(body: Body, tellsEnd: AuthProfile['tellsEnd'], grant: GrantRecord, now: number, skew: number) {
	const { endsAt } = grant;
	if (tellsEnd === 'refresh_expires_in' && body.refresh_token !== undefined) {
		body.refresh_expires_in = endsAt === null ? 0 : endsAt + skew - now;
	}
	if (tellsEnd === 'access_grant_expiration' && endsAt !== null) {
		body.access_grant_expiration = new Date((endsAt + skew) * 1000).toISOString().replace('.000Z', 'Z');
	}
}

/** An id_token as a server with a wrong clock would have made it. */
export async function movedIdToken(idToken: string, key: JWK, skew: number): Promise<string> {
	const claims = decodeJwt(idToken) as Body;
	for (const name of ['iat', 'exp', 'auth_time']) {
		if (typeof claims[name] === 'number') claims[name] = claims[name] + skew;
	}
	const { kid = '' } = key;
	return new SignJWT(claims)
		.setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid })
		.sign(await importJWK(key as Parameters<typeof importJWK>[0], 'RS256'));
}

/** Refresh tokens become JWTs. `lasts` is in seconds; null: it has no end, and says none. */
export function useJwtRefreshTokens(
	provider: Provider,
	secret: string,
	now: () => number,
	lasts: (grantId: string, seconds: number) => number | null,
): void {
	const value = function (this: { expiration: number; grantId?: string }) {
		return jwtRefreshToken(provider.issuer, secret, now(), lasts(this.grantId ?? '', this.expiration));
	};
	Object.defineProperty(provider.RefreshToken.prototype, 'generateTokenId', { value });
}

/** A refresh token in the shape that Keycloak gives it: only its server can check it, and everybody can read its end. */
function jwtRefreshToken(issuer: string, secret: string, now: number, lasts: number | null): string {
	const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
	const claims = {
		jti: randomUUID(),
		iss: issuer,
		aud: issuer,
		typ: 'Refresh',
		iat: now,
		...(lasts ? { exp: now + lasts } : {}),
	};
	const signed = `${part({ alg: 'HS512', typ: 'JWT' })}.${part(claims)}`;
	return `${signed}.${createHmac('sha512', secret).update(signed).digest('base64url')}`;
}
