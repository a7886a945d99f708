/** A connection, and a token endpoint that rotates. */
import type { Connection } from '../../../sw/wallet/connections.js';
import { json, type Responder } from '../setup.js';
import { registration } from '../smart/support.js';

export function connection(change: Partial<Connection> = {}): Connection {
	return {
		...registration(),
		id: 'c1',
		provider: { name: 'Lakeside' },
		patientId: 'p1',
		patient: null,
		scope: 'patient/*.rs',
		accessToken: 'at-0',
		accessExpiresAt: Date.now() - 1,
		refreshToken: 'rt-0',
		intent: null,
		status: 'active',
		problem: null,
		connectedAt: 1,
		lastRefreshedAt: 1,
		expiry: { kind: 'unknown' },
		newForSession: null,
		...change,
	};
}

/** Refresh tokens rt-0, rt-1, …: each is taken once, and its answer is `change`d. */
export function rotating(change: (n: number) => object = () => ({})) {
	let n = 0;
	/** The refresh tokens presented, in order. */
	const presented: string[] = [];
	const respond: Responder = async (request) => {
		if (!request.url.endsWith('/token')) return new Response('', { status: 404 });
		const form = new URLSearchParams(await request.text());
		const token = form.get('refresh_token') ?? '';
		presented.push(token);
		if (token !== `rt-${n}`) return json({ error: 'invalid_grant' }, { status: 400 });
		n++;
		return json({
			access_token: `at-${n}`,
			refresh_token: `rt-${n}`,
			token_type: 'Bearer',
			expires_in: 3600,
			...change(n),
		});
	};
	return { respond, presented };
}
