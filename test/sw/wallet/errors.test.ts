/** What each answer of a token endpoint does to a connection: its status, what is told of it, and which tokens stay. */
import { expect, test, vi } from 'vitest';
import type { Connection } from '../../../sw/wallet/connections.js';
import { codeOf, json, network, type Responder, sent, setOnline } from '../setup.js';
import { connection } from './support.js';

const NOW = Date.parse('2026-11-22T12:00:00Z');
const HOUR = 3_600_000;

async function start(change: Partial<Connection> = {}) {
	vi.useFakeTimers({ toFake: ['Date'], now: NOW });
	// No jitter.
	vi.spyOn(Math, 'random').mockReturnValue(0);
	const connections = await import('../../../sw/wallet/connections.js');
	const { freshConnection } = await import('../../../sw/wallet/keeper.js');
	const { tend } = await import('../../../sw/wallet/tend.js');
	await connections.addConnection(connection({ expiry: { kind: 'at', at: NOW + 9 * HOUR, renews: false }, ...change }));
	const view = async () => {
		const row = await connections.getConnection('c1');
		if (!row) throw new Error('gone');
		return connections.viewConnection(row, Date.now(), false);
	};
	return { ...connections, freshConnection, tend, view };
}

const error = (status: number, code: string) => () => json({ error: code }, { status });
const html = (status: number) => () =>
	new Response('<!doctype html><p>Sign in</p>', { status, headers: { 'Content-Type': 'text/html' } });
const unreachable: Responder = () => {
	throw new TypeError('Failed to fetch');
};
/** Reachable, though a browser may not read the answer. */
const hidden: Responder = (request) => {
	if (request.mode === 'no-cors') return new Response();
	throw new TypeError('Failed to fetch');
};

const KEPT = { accessToken: 'at-0', refreshToken: 'rt-0', patientId: 'p1', scope: 'patient/*.rs', intent: null };

interface Row {
	what: string;
	answer: Responder;
	code: string;
	/** Whether a page load a quarter of an hour later tries again. */
	soon: boolean;
}

const STAYS: Row[] = [
	{ what: 'an answer of 500', answer: () => json({}, { status: 500 }), code: 'provider_unavailable', soon: true },
	{ what: 'an answer of 503', answer: html(503), code: 'provider_unavailable', soon: true },
	{ what: '429', answer: () => json({}, { status: 429 }), code: 'rate_limited', soon: true },
	{
		what: '`temporarily_unavailable`',
		answer: error(400, 'temporarily_unavailable'),
		code: 'provider_unavailable',
		soon: true,
	},
	{ what: '`server_error`', answer: error(400, 'server_error'), code: 'provider_unavailable', soon: true },
	{ what: 'a name that does not resolve', answer: unreachable, code: 'network', soon: true },
	{ what: 'a missing CORS header', answer: hidden, code: 'cors', soon: true },
	{ what: '200 with a web page', answer: html(200), code: 'provider_unavailable', soon: true },
	{ what: '400 with a web page', answer: html(400), code: 'provider_unavailable', soon: true },
	{
		what: '`invalid_grant` inside an answer of 500',
		answer: error(500, 'invalid_grant'),
		code: 'provider_unavailable',
		soon: true,
	},
	{
		what: '404 with nothing',
		answer: () => new Response(null, { status: 404 }),
		code: 'provider_unavailable',
		soon: true,
	},
	{ what: '`invalid_client`', answer: error(401, 'invalid_client'), code: 'client_rejected', soon: false },
	{ what: '`unauthorized_client`', answer: error(400, 'unauthorized_client'), code: 'client_rejected', soon: false },
	{ what: '`invalid_scope`', answer: error(400, 'invalid_scope'), code: 'client_rejected', soon: false },
	{ what: '`invalid_request`', answer: error(400, 'invalid_request'), code: 'client_rejected', soon: false },
	{ what: '`access_denied`', answer: error(400, 'access_denied'), code: 'access_denied', soon: false },
	{ what: 'an error that nobody knows', answer: error(400, 'odd'), code: 'provider_error', soon: false },
	{ what: '200 without an access token', answer: () => json({}), code: 'token_response_invalid', soon: false },
	{ what: '200 with a list', answer: () => json([]), code: 'token_response_invalid', soon: false },
];

test.each(STAYS)('$what is told and changes neither status nor tokens', async ({ answer, code, soon }) => {
	const { freshConnection, getConnection, tend, view } = await start();
	network(answer);
	expect(await codeOf(freshConnection('c1'))).toBe(code);
	expect(await getConnection('c1')).toMatchObject({ ...KEPT, status: 'active' });
	expect(await view()).toMatchObject({ status: 'active', problem: { error: { code }, since: NOW } });
	const asked = sent.length;
	vi.setSystemTime(NOW + HOUR / 4);
	await tend();
	expect(sent.length > asked).toBe(soon);
	// Whatever it was: an hour later it is tried again, and a good answer ends the problem.
	network(() => json({ access_token: 'at-1', token_type: 'Bearer', expires_in: 3600 }));
	vi.setSystemTime(NOW + 2 * HOUR);
	await tend();
	expect(await view()).toMatchObject({ status: 'active', problem: null });
	expect(await getConnection('c1')).toMatchObject({ accessToken: 'at-1', refreshToken: 'rt-0' });
});

test('being offline changes neither status nor tokens, and is looked at again as soon as there is a network', async () => {
	const { freshConnection, getConnection, tend, view } = await start();
	network(() => json({ access_token: 'at-1', token_type: 'Bearer', expires_in: 3600 }));
	setOnline(false);
	expect(await codeOf(freshConnection('c1'))).toBe('offline');
	expect(await getConnection('c1')).toMatchObject({ ...KEPT, status: 'active' });
	expect(await view()).toMatchObject({ problem: { error: { code: 'offline' }, since: NOW } });
	setOnline(true);
	await tend();
	expect(await view()).toMatchObject({ status: 'active', problem: null });
});

test('a time-out changes neither status nor tokens', async () => {
	const { freshConnection, getConnection, view } = await start();
	const { timeout } = AbortSignal;
	// Every limit of a request ends at once; that of the lock does not.
	vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => timeout(ms === 90_000 ? ms : 1));
	network(() => new Promise(() => {}));
	expect(await codeOf(freshConnection('c1'))).toBe('timeout');
	expect(await getConnection('c1')).toMatchObject({ ...KEPT, status: 'active' });
	expect(await view()).toMatchObject({ status: 'active', problem: { error: { code: 'timeout' } } });
});

test('429 with Retry-After 3600 is honoured: nothing is asked before, and once after', async () => {
	const { freshConnection, tend, view } = await start();
	network(() => json({}, { status: 429, headers: { 'Retry-After': '3600' } }));
	expect(await codeOf(freshConnection('c1'))).toBe('rate_limited');
	expect(await view()).toMatchObject({
		status: 'active',
		problem: { error: { code: 'rate_limited', retryAt: NOW + HOUR } },
	});
	const asked = sent.length;
	vi.setSystemTime(NOW + HOUR - 1);
	await tend();
	expect(sent).toHaveLength(asked);
	vi.setSystemTime(NOW + HOUR);
	await tend();
	expect(sent).toHaveLength(asked + 1);
});

test('`invalid_grant` ends the connection: it is shown as expired, keeps everything else and is not asked again', async () => {
	const { freshConnection, getConnection, tend, view } = await start();
	network(error(400, 'invalid_grant'));
	expect(await codeOf(freshConnection('c1'))).toBe('reauthorization_required');
	expect(await getConnection('c1')).toMatchObject({ ...KEPT, status: 'expired' });
	// The status says it all.
	expect(await view()).toMatchObject({ status: 'expired', problem: null });
	vi.setSystemTime(NOW + 2 * HOUR);
	await tend();
	expect(await codeOf(freshConnection('c1'))).toBe('reauthorization_required');
	expect(sent).toHaveLength(1);
});

test('another patient in the answer stops the connection, and nothing of that access is kept', async () => {
	const { freshConnection, getConnection, view } = await start();
	network(() => json({ access_token: 'theirs', refresh_token: 'theirs', token_type: 'Bearer', patient: 'p2' }));
	expect(await codeOf(freshConnection('c1'))).toBe('patient_mismatch');
	expect(await getConnection('c1')).toMatchObject({
		...KEPT,
		status: 'expired',
		accessToken: '',
		refreshToken: null,
	});
	expect(await view()).toMatchObject({ status: 'expired', problem: { error: { code: 'patient_mismatch' } } });
});

const good = { access_token: 'at-1', refresh_token: 'rt-1', token_type: 'Bearer', expires_in: 3600 };

test.each([
	['200 without a refresh token keeps the old one', { refresh_token: undefined }, { refreshToken: 'rt-0' }],
	['200 with an empty refresh token keeps the old one', { refresh_token: '' }, { refreshToken: 'rt-0' }],
	['200 with null for a refresh token keeps the old one', { refresh_token: null }, { refreshToken: 'rt-0' }],
	['a narrower scope is what is granted from now on', { scope: 'patient/Patient.rs' }, { scope: 'patient/Patient.rs' }],
	['a scope of version 1 is kept as it came', { scope: 'patient/*.read' }, { scope: 'patient/*.read' }],
	['no scope means that nothing changed', {}, { scope: 'patient/*.rs' }],
	['an empty scope is none', { scope: '' }, { scope: 'patient/*.rs' }],
	['a scope that is no text is none', { scope: ['patient/*.rs'] }, { scope: 'patient/*.rs' }],
	['the same patient is fine', { patient: 'p1' }, { patientId: 'p1' }],
	['`expires_in` as text is a number', { expires_in: '600' }, { accessExpiresAt: NOW + 600_000 }],
	['a negative `expires_in` is not told', { expires_in: -5 }, { accessExpiresAt: NOW + 300_000 }],
	['`expires_in` of nonsense is not told', { expires_in: 'soon' }, { accessExpiresAt: NOW + 300_000 }],
	['an object for `expires_in` is not told', { expires_in: {} }, { accessExpiresAt: NOW + 300_000 }],
	['no `expires_in` is not told', { expires_in: undefined }, { accessExpiresAt: NOW + 300_000 }],
	['a century of `expires_in` is a year', { expires_in: 4e9 }, { accessExpiresAt: NOW + 365 * 24 * HOUR }],
	['an `id_token` that is none is no reason to lose a token', { id_token: 'x' }, { refreshToken: 'rt-1' }],
])('%s', async (_what, change, expected) => {
	const { freshConnection, getConnection, view } = await start();
	network(() => json({ ...good, ...change }));
	await freshConnection('c1');
	const kept = { status: 'active', problem: null, intent: null, accessToken: 'at-1', refreshToken: 'rt-1' };
	expect(await getConnection('c1')).toMatchObject({ ...kept, ...expected });
	expect(await view()).toMatchObject({ status: 'active', problem: null });
});

test('while it is paused by a backup nothing is renewed, and the connection is not blamed', async () => {
	const { freshConnection, getConnection, tend } = await start();
	const { commit } = await import('../../../sw/wallet/rows.js');
	const { PAUSED } = await import('../../../sw/wallet/pause.js');
	await commit([{ key: PAUSED, value: { since: NOW } }]);
	expect(await codeOf(freshConnection('c1'))).toBe('paused');
	await tend();
	expect(sent).toHaveLength(0);
	expect(await getConnection('c1')).toMatchObject({ ...KEPT, status: 'active', problem: null });
});

test('what happened is in the activity log: refreshed, failed with its code, expired', async () => {
	const { freshConnection, updateConnection } = await start();
	const { listActivity, recorded } = await import('../../../sw/wallet/activity.js');
	network(() => json(good));
	await freshConnection('c1');
	await updateConnection('c1', { accessExpiresAt: NOW });
	network(() => json({}, { status: 503 }));
	await codeOf(freshConnection('c1'));
	network(error(400, 'invalid_grant'));
	await codeOf(freshConnection('c1'));
	// It has ended once, however often it is tried.
	await codeOf(freshConnection('c1'));
	await recorded();
	const { entries } = await listActivity(null, 10);
	expect(entries.map(({ what, code }) => [what, code]).reverse()).toEqual([
		['refreshed', null],
		['refresh_failed', 'provider_unavailable'],
		['expired', 'reauthorization_required'],
	]);
	expect(entries).toHaveLength(3);
});
