/** How a connection's access is renewed: by its refresh token, or by the key of this device. */
import { BrokerError } from '../errors.js';
import { refreshRequest } from '../smart/token.js';
import { vendorAuth } from '../smart/vendors.js';
import { type Connection, ownClient } from './connections.js';
import { renewByDevice } from './device.js';

/**
 * Asks the token endpoint for a new access token; the answer is `processRefreshResponse`'s to judge. A registered device asks with
 * its key, and with nothing else: what the sign-in gave besides lies idle from the first answer on (`applyTokens`).
 * @throws {BrokerError} `reauthorization_required` where there is nothing to renew with, `client_rejected`, `assertion_refused` and
 * `relay_*` where the client cannot authenticate, and what `http` throws
 */
export async function renewRequest(connection: Connection): Promise<Response> {
	const { refreshToken, scope, provider } = connection;
	const own = ownClient(connection);
	if (own !== undefined) return renewByDevice(connection, own);
	if (refreshToken === null) throw new BrokerError('reauthorization_required');
	const resend = vendorAuth(provider.vendor).refreshSendsScope && scope ? scope : undefined;
	return refreshRequest(connection, refreshToken, resend);
}
