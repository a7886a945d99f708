/** The Patient resource of a connection: the name on its card, and the simplest proof that an access token is taken. */
import { BrokerError } from '../errors.js';
import { patientSummary } from '../fhir/patient.js';
import { bodyText, type HttpAnswer, http, retryAfter } from '../http.js';
import { type Connection, updateConnection } from './connections.js';

function get({ fhirBaseUrl, patientId, accessToken }: Connection, timeout: number): Promise<HttpAnswer> {
	const headers = { Authorization: `Bearer ${accessToken}`, Accept: 'application/fhir+json' };
	return http(`${fhirBaseUrl}/Patient/${encodeURIComponent(patientId)}`, { headers, timeout });
}

/**
 * Reads name and birth date into the connection. What cannot be read is left as it is: a card without a name is still a
 * connection.
 */
export async function readPatient(connection: Connection, timeout = 15_000): Promise<void> {
	try {
		const answer = await get(connection, timeout);
		const patient = answer.status === 200 ? patientSummary(bodyText(answer)) : null;
		if (patient) await updateConnection(connection.id, { patient });
	} catch {
		// Tried again with the next page load.
	}
}

/** @throws {BrokerError} `reauthorization_required` where the server refuses the access token, and what `http` throws */
export async function tryAccess(connection: Connection): Promise<void> {
	const { status, headers } = await get(connection, 15_000);
	if (status === 401) throw new BrokerError('reauthorization_required');
	if (status === 429) throw new BrokerError('rate_limited', { retryAt: retryAfter(headers, Date.now()) });
	if (status >= 500) throw new BrokerError('provider_unavailable', { retryAt: retryAfter(headers, Date.now()) });
}
