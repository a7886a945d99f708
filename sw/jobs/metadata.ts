/** What a FHIR server says it can do: asked once for an estimate and the reading that follows it. */
import { type Capability, readCapability } from '../fhir/capability.js';
import { readFailure, readStatus } from '../fhir/outcome.js';
import type { Outcome, Task } from '../fhir/task.js';
import { ANY_FHIR_JSON, vendorFhir } from '../fhir/vendors.js';
import { bodyJson } from '../http.js';
import type { Connection } from '../wallet/connections.js';
import { onDropKeys } from '../wallet/vault.js';

type Asked = Pick<Connection, 'id' | 'fhirBaseUrl' | 'provider'>;

const KNOWN_MS = 10 * 60_000;

/** By connection. A cache, in memory only. */
const known = new Map<string, { base: string; capability: Capability; at: number }>();
onDropKeys(() => known.clear());

/** What it said a short while ago, if it was asked. */
export function knownCapability({ id, fhirBaseUrl }: Asked): Capability | null {
	const found = known.get(id);
	return found && found.base === fhirBaseUrl && Math.abs(Date.now() - found.at) < KNOWN_MS ? found.capability : null;
}

/** What it said, or a code (as in `Problem`) for why that could not be read: then US Core's searches are assumed. */
export interface Offered {
	capability: Capability | null;
	unread?: string;
}

/** The request for it, as one of a collection. */
export function metadataTask({ fhirBaseUrl, provider }: Asked): Task {
	const accept = vendorFhir(provider.vendor ?? null).accept ?? ANY_FHIR_JSON;
	return { id: 'metadata', kind: 'read', type: 'CapabilityStatement', url: `${fhirBaseUrl}/metadata`, accept };
}

export function readMetadata({ id, fhirBaseUrl }: Asked, outcome: Outcome): Offered {
	if (outcome.kind === 'failed') return { capability: null, unread: readFailure(outcome.code).reason };
	if (outcome.status !== 200) return { capability: null, unread: readStatus(outcome.status).reason };
	const json = bodyJson(outcome);
	const capability = readCapability(json);
	if (capability) known.set(id, { base: fhirBaseUrl, capability, at: Date.now() });
	return capability ? { capability } : { capability, unread: json ? 'not_as_asked' : 'not_json' };
}
