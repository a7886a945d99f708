/** How a connection's access is renewed: by its refresh token, or by the key of this device. */
import { BrokerError } from '../errors.js';
import { refreshRequest } from '../smart/token.js';
import { vendorAuth } from '../smart/vendors.js';
import type { Connection } from './connections.js';
import { renewByDevice } from './device.js';

/**
 * Asks the token endpoint for a new access token; the answer is `processRefreshResponse`'s to judge. A registered device asks with
 * its key, and with nothing else: what the sign-in gave besides is dropped with the first answer to that (`applyTokens`).
 * @throws {BrokerError} `reauthorization_required` where there is nothing to renew with, `client_rejected`, `assertion_refused` and
 * `relay_*` where the client cannot authenticate, and what `http` throws
 */
export async function renewRequest(connection: Connection): Promise<Response> {
	const { refreshToken, scope, provider, device } = connection;
	if (typeof device === 'object' && device !== null) return renewByDevice(connection, device.clientId);
	if (refreshToken === null) throw new BrokerError('reauthorization_required');
	const resend = vendorAuth(provider.vendor).refreshSendsScope && scope ? scope : undefined;
	return refreshRequest(connection, refreshToken, resend);
}
