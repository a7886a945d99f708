/** Where a sign-in leads: a provider of the directory, a server typed in by hand, or the one that a connection is of. */
import type { ClientAuth, Provider } from '../../relay/contract.js';
import type { ConnectTarget } from '../contract.js';
import { BrokerError } from '../errors.js';
import { normalizeBase } from '../smart/discover.js';
import { type Connection, getConnection } from './connections.js';
import { currentEntry, getProvider } from './providers.js';

export interface Target {
	/** As `normalizeBase` gives it. */
	fhirBaseUrl: string;
	clientId: string;
	clientAuth?: ClientAuth | undefined;
	provider: Connection['provider'];
	/** Overrides the scopes that would be asked for. */
	scope?: string | undefined;
}

/** @throws {BrokerError} `provider_unknown`, `client_id_missing`, `url_*`, `connection_unknown` */
export async function resolveTarget(target: ConnectTarget): Promise<Target> {
	switch (target.kind) {
		case 'provider':
			return ofEntry(await getProvider(target.providerId));
		case 'custom': {
			const fhirBaseUrl = normalizeBase(target.fhirBaseUrl);
			const clientId = target.clientId.trim();
			if (!clientId) throw new BrokerError('client_id_missing');
			return { fhirBaseUrl, clientId, provider: { name: new URL(fhirBaseUrl).host } };
		}
		case 'reauthorize': {
			const connection = await getConnection(target.connectionId);
			if (!connection) throw new BrokerError('connection_unknown');
			const { fhirBaseUrl, clientId, clientAuth, provider } = connection;
			const entry = await currentEntry(provider, (base) => isSameBase(base, fhirBaseUrl));
			return entry ? ofEntry(entry) : { fhirBaseUrl, clientId, clientAuth, provider };
		}
	}
}

function ofEntry({ id, name, location, vendor, fhirBaseUrl, clientId, clientAuth, scope }: Provider): Target {
	return {
		fhirBaseUrl: normalizeBase(fhirBaseUrl),
		clientId,
		clientAuth,
		provider: { id, name, location, vendor },
		scope,
	};
}

function isSameBase(listed: string, normal: string): boolean {
	try {
		return normalizeBase(listed) === normal;
	} catch {
		return false;
	}
}
