/** A provider in memory: sign-ins, refreshing, clients of devices, revocation; and a worker that goes there and back. */
import { decodeJwt } from 'jose';
import type { ClientAuth, Provider as Entry } from '../../../relay/contract.js';
import type { ConnectTarget } from '../../../sw/contract.js';
import { json, network, ORIGIN } from '../setup.js';

export const BASE = 'https://fhir.test/r4';
export const custom: ConnectTarget = { kind: 'custom', fhirBaseUrl: BASE, clientId: 'app-1' };
export const listed: ConnectTarget = { kind: 'provider', providerId: 'lake' };

export const entry = (clientAuth?: ClientAuth, more: Partial<Entry> = {}): Entry => ({
	id: 'lake',
	name: 'Lakeside',
	fhirBaseUrl: BASE,
	clientId: 'app-1',
	...(clientAuth ? { clientAuth } : {}),
	...more,
});

export interface ProviderState {
	/** Who signs in. */
	patient: string;
	/** Changes the token response of a sign-in. */
	tokens: object;
	directory: Entry[];
	/** Answers something else than usual. */
	odd?: ((request: Request, form: URLSearchParams) => Response | undefined | Promise<Response | undefined>) | undefined;
}

export function provider(given: Partial<ProviderState> = {}) {
	const state: ProviderState = { patient: 'p1', tokens: {}, directory: [entry()], ...given };
	/** Tokens whose end was asked for, and by which client. */
	const revoked: { token: string | null; client: string | null }[] = [];
	/** Registrations that were answered, by client id; each access token is good for one. */
	const devices: string[] = [];
	const spent = new Set<string>();
	let n = 0;
	network(async (request) => {
		const text = await request.clone().text();
		const form = new URLSearchParams(text);
		const odd = await state.odd?.(request, form);
		if (odd) return odd;
		const { pathname, origin } = new URL(request.url);
		if (origin === ORIGIN && pathname === '/api/providers') return json({ providers: state.directory });
		if (pathname.endsWith('/smart-configuration'))
			return json({
				authorization_endpoint: 'https://auth.test/authorize',
				token_endpoint: 'https://auth.test/token',
				revocation_endpoint: 'https://auth.test/revoke',
			});
		if (pathname === '/revoke') {
			revoked.push({ token: form.get('token'), client: form.get('client_id') });
			return new Response();
		}
		if (pathname === '/register') {
			const token = request.headers.get('Authorization')?.slice('Bearer '.length) ?? '';
			if (spent.has(token)) return json({ error: 'invalid_token' }, { status: 401 });
			spent.add(token);
			devices.push(`device-${devices.length + 1}`);
			return json({ client_id: devices.at(-1) }, { status: 201 });
		}
		if (pathname === '/token') {
			const assertion = form.get('assertion');
			if (assertion) {
				const known = devices.includes(decodeJwt(assertion).iss ?? '');
				if (!known) return json({ error: 'invalid_client' }, { status: 400 });
				return json({ access_token: `dt-${++n}`, token_type: 'Bearer', expires_in: 3600 });
			}
			if (!form.get('code')) return json({ error: 'invalid_request' }, { status: 400 });
			n++;
			const tokens = { access_token: `at-${n}`, refresh_token: `rt-${n}`, token_type: 'Bearer', expires_in: 3600 };
			return json({ ...tokens, patient: state.patient, ...state.tokens });
		}
		if (pathname.includes('/Patient/'))
			return json({ resourceType: 'Patient', name: [{ text: `Name of ${pathname.split('/').at(-1)}` }] });
		return new Response('', { status: 404 });
	});
	return { state, revoked, devices };
}

/** A worker's modules, freshly loaded. */
export async function load() {
	const connect = await import('../../../sw/wallet/connect.js');
	const included: { sid: string; connectionId: string }[] = [];
	const include = async (sid: string, connectionId: string) => {
		included.push({ sid, connectionId });
	};
	const arrival = await import('../../../sw/wallet/arrival.js');
	return {
		...(await import('../../../sw/wallet/connections.js')),
		...(await import('../../../sw/wallet/notices.js')),
		...(await import('../../../sw/wallet/keeper.js')),
		...(await import('../../../sw/wallet/unsaved.js')),
		...(await import('../../../sw/wallet/device.js')),
		...(await import('../../../sw/wallet/activity.js')),
		...(await import('../../../sw/leave.js')),
		...(await import('../../../sw/wallet/remove.js')),
		...(await import('../../../sw/overview.js')),
		...arrival,
		included,
		startConnect: connect.startConnect,
		finishConnect: (parameters: URLSearchParams) => connect.finishConnect(parameters, include),
		/** The choice with all that follows it. */
		settle: async (id: string, choice: 'add' | 'cancel') => {
			const { connectionId, rest } = await arrival.settleArrival(id, choice, include);
			await rest;
			return connectionId;
		},
	};
}

export type Worker = Awaited<ReturnType<typeof load>>;

/** The provider's answer to an authorize URL. */
export const back = (url: string, parameters: Record<string, string> = { code: 'code-1' }) =>
	new URLSearchParams({ state: new URL(url).searchParams.get('state') ?? '', ...parameters });

/** There and back, with all that follows; answers the one connection that is then the newest. */
export async function signIn(worker: Worker, to: ConnectTarget = listed, sid: string | null = null) {
	const { url } = await worker.startConnect(to, '/connections', sid);
	await (await worker.finishConnect(back(url))).rest;
	const all = await worker.listConnections();
	return all.sort((a, b) => b.lastRefreshedAt - a.lastRefreshedAt)[0];
}
