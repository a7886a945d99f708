/** How a connection's access is renewed: by its refresh token, or by the key of this device. */
import { BrokerError } from '../errors.js';
import { refreshRequest } from '../smart/token.js';
import { vendorAuth } from '../smart/vendors.js';
import type { Connection } from './connections.js';

/**
 * Asks the token endpoint for a new access token; the answer is `processRefreshResponse`'s to judge.
 * @throws {BrokerError} `reauthorization_required` where there is nothing to renew with, and what `http` throws
 */
export function renewRequest(connection: Connection): Promise<Response> {
	const { refreshToken, scope, provider } = connection;
	if (refreshToken === null) throw new BrokerError('reauthorization_required');
	const resend = vendorAuth(provider.vendor).refreshSendsScope && scope ? scope : undefined;
	return refreshRequest(connection, refreshToken, resend);
}
