/** The Patient resource of a connection: the name on its card, and the simplest proof that an access token is taken. */
import { BrokerError } from '../errors.js';
import { patientSummary } from '../fhir/patient.js';
import { ANY_FHIR_JSON, vendorFhir } from '../fhir/vendors.js';
import { bodyText, type HttpAnswer, http, retryAfter } from '../http.js';
import { type Connection, updateConnection } from './connections.js';

type Access = Pick<Connection, 'fhirBaseUrl' | 'patientId' | 'accessToken' | 'provider'>;

function get({ fhirBaseUrl, patientId, accessToken, provider }: Access, timeout: number): Promise<HttpAnswer> {
	const accept = vendorFhir(provider.vendor ?? null).accept ?? ANY_FHIR_JSON;
	const headers = { Authorization: `Bearer ${accessToken}`, Accept: accept };
	return http(`${fhirBaseUrl}/Patient/${encodeURIComponent(patientId)}`, { headers, timeout });
}

/** Name and birth date; null where they cannot be read in time. Never throws. */
export async function patientOf(access: Access, timeout: number): Promise<Connection['patient']> {
	try {
		const answer = await get(access, timeout);
		return answer.status === 200 ? patientSummary(bodyText(answer)) : null;
	} catch {
		return null;
	}
}

/**
 * Reads name and birth date into the connection. What cannot be read is left as it is: a card without a name is still a
 * connection.
 */
export async function readPatient(connection: Connection, timeout = 15_000): Promise<void> {
	try {
		const patient = await patientOf(connection, timeout);
		if (patient) await updateConnection(connection.id, { patient });
	} catch {
		// Tried again with the next page load.
	}
}

/** @throws {BrokerError} `reauthorization_required` where the server refuses the access token, and what `http` throws */
export async function tryAccess(connection: Access): Promise<void> {
	const { status, headers } = await get(connection, 15_000);
	if (status === 401) throw new BrokerError('reauthorization_required');
	if (status === 429) throw new BrokerError('rate_limited', { retryAt: retryAfter(headers, Date.now()) });
	if (status >= 500) throw new BrokerError('provider_unavailable', { retryAt: retryAfter(headers, Date.now()) });
}
