/** RFC 7662 as Epic offers it: a public client asks about its refresh token with the access token as bearer. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Provider } from 'oidc-provider';
import { readForm, sendJson } from '../http.js';

export async function introspect(provider: Provider, skew: number, req: IncomingMessage, res: ServerResponse) {
	const form = await readForm(req);
	const bearer = /^Bearer (.+)$/i.exec(req.headers.authorization ?? '')?.[1];
	const caller = bearer === undefined ? undefined : await provider.AccessToken.find(bearer);
	if (!caller?.isValid) return sendJson(res, 401, { error: 'invalid_client' });
	const asked = form.get('token') ?? '';
	const token = (await provider.RefreshToken.find(asked)) ?? (await provider.AccessToken.find(asked));
	if (!token?.isValid || token.grantId !== caller.grantId) return sendJson(res, 200, { active: false });
	const { scope, clientId, exp = 0, iat = 0, accountId } = token;
	sendJson(res, 200, {
		active: true,
		scope,
		client_id: clientId,
		exp: exp + skew,
		iat: iat + skew,
		sub: accountId,
		iss: provider.issuer,
	});
}
