/** What a FHIR server says it can do: asked once for an estimate and the reading that follows it. */
import { asBrokerError } from '../errors.js';
import { type Capability, readCapability } from '../fhir/capability.js';
import { ANY_FHIR_JSON, vendorFhir } from '../fhir/vendors.js';
import { bodyJson, http } from '../http.js';
import type { Connection } from '../wallet/connections.js';

const KNOWN_MS = 10 * 60_000;
const MOST_OCTETS = 16 * 2 ** 20;

/** By connection. A cache, in memory only. */
const known = new Map<string, { base: string; capability: Capability; at: number }>();

/** What it said a short while ago, if it was asked. */
export function knownCapability({ id, fhirBaseUrl }: Connection): Capability | null {
	const found = known.get(id);
	return found && found.base === fhirBaseUrl && Math.abs(Date.now() - found.at) < KNOWN_MS ? found.capability : null;
}

/**
 * One request. Null where it cannot be read: US Core's searches are assumed then, and each reports for itself.
 * @throws {BrokerError} `offline`
 */
export async function readMetadata(
	{ id, fhirBaseUrl, provider, accessToken }: Connection,
	timeout = 30_000,
	signal?: AbortSignal,
): Promise<Capability | null> {
	const accept = vendorFhir(provider.vendor ?? null).accept ?? ANY_FHIR_JSON;
	const headers = { Accept: accept, Authorization: `Bearer ${accessToken}` };
	const options = { headers, timeout, maxBytes: MOST_OCTETS, ...(signal && { signal }) };
	try {
		const answer = await http(`${fhirBaseUrl}/metadata`, options);
		const capability = answer.status === 200 ? readCapability(bodyJson(answer)) : null;
		if (capability) known.set(id, { base: fhirBaseUrl, capability, at: Date.now() });
		return capability;
	} catch (error) {
		if (asBrokerError(error).code === 'offline') throw error;
		return null;
	}
}
