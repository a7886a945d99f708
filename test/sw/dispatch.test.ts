import { expect, expectTypeOf, test } from 'vitest';
import {
	CONTRACT_VERSION,
	type CommandName,
	type Estimate,
	type Payload,
	type Reply,
	type ReplyMessage,
	type WorkerEvent,
} from '../../sw/contract.js';
import { kill, network, ORIGIN, setOnline, withStore } from './setup.js';
import { connection } from './wallet/support.js';

const load = () => import('../../sw/dispatch.js');

async function call<C extends CommandName>(command: C, payload: Payload<C>, id = crypto.randomUUID() as string) {
	const { dispatch } = await load();
	const replies: ReplyMessage[] = [];
	await dispatch({ satchel: CONTRACT_VERSION, id, command, payload }, (message) => replies.push(message));
	expect(replies).toHaveLength(1);
	return replies[0]!;
}

const errorOf = (message: ReplyMessage) => (message.ok ? undefined : message.error);

test('an empty wallet answers its overview without a network', async () => {
	setOnline(false);
	expect(await call('overview', {}, 'id-1')).toMatchObject({
		satchel: CONTRACT_VERSION,
		id: 'id-1',
		ok: true,
		reply: { connections: [], jobs: [], notice: null, online: false },
	});
});

test('each overview has a higher revision than the one before, also from the next worker', async () => {
	const revision = async () => {
		const message = await call('overview', {});
		return message.ok && 'revision' in message.reply ? message.reply.revision : Number.NaN;
	};
	const [a, b] = [await revision(), await revision()];
	kill();
	const c = await revision();
	expect(b).toBeGreaterThan(a);
	expect(c).toBeGreaterThanOrEqual(b);
});

test('an unknown command is an error, also one that every object has', async () => {
	for (const command of ['nonsense', 'constructor', '__proto__', 'toString'])
		expect(errorOf(await call(command as CommandName, {} as never))?.code).toBe('unknown_command');
});

test('a message of another version is told so', async () => {
	const { dispatch } = await load();
	const replies: ReplyMessage[] = [];
	await dispatch({ satchel: CONTRACT_VERSION + 1, id: 'x', command: 'overview', payload: {} }, (r) => replies.push(r));
	expect(replies).toMatchObject([
		{ satchel: CONTRACT_VERSION, id: 'x', ok: false, error: { code: 'version_mismatch' } },
	]);
});

test.each([undefined, null, 'overview', {}, { satchel: 1 }, { satchel: 1, id: 7, command: 'overview', payload: {} }])(
	'what is no command gets no reply: %j',
	async (data) => {
		const { dispatch } = await load();
		await dispatch(data, () => expect.unreachable());
	},
);

test('a repeated call gets the very reply of the first', async () => {
	const [first, second] = [await call('overview', {}, 'same'), await call('overview', {}, 'same')];
	expect(second).toBe(first);
	expect(await call('overview', {}, 'other')).not.toBe(first);
});

test('an error carries a code and a correlation id, and nothing else', async () => {
	const secret = 'https://secret-host.test/path';
	const messages = [
		await call('connection.refresh', { id: secret }),
		await call('job.run', { id: secret }),
		await call('session.open', { sid: secret, fragment: null }),
		await call('connect.start', {
			target: { kind: 'custom', fhirBaseUrl: secret, clientId: '' },
			returnTo: '/',
			sid: null,
		}),
		await call('connect.start', null as never),
	];
	for (const message of messages) {
		const error = errorOf(message);
		expect(Object.keys(error ?? {}).sort()).toEqual(['code', 'correlationId']);
		expect(error?.correlationId).toMatch(/^[0-9a-f-]{36}$/);
		expect(JSON.stringify(message)).not.toContain('secret-host');
	}
	expect(messages.map((message) => errorOf(message)?.code)).toEqual([
		'connection_unknown',
		'job_unknown',
		'link_incomplete',
		'client_id_missing',
		'internal',
	]);
});

test('a vault that is lost says so, and clearing everything makes the wallet usable again', async () => {
	const { addConnection } = await import('../../sw/wallet/connections.js');
	await addConnection(connection());
	await withStore('readwrite', async (store) => void store.delete(['vault', 'key']));
	kill();
	expect(errorOf(await call('overview', {}))?.code).toBe('vault_lost');
	expect((await call('connections.clear', {})).ok).toBe(true);
	expect(await call('overview', {})).toMatchObject({ ok: true, reply: { connections: [] } });
});

test('a refresh that fails is no error of the command: the card says what is wrong', async () => {
	const { addConnection } = await import('../../sw/wallet/connections.js');
	await addConnection(connection());
	network(() => new Response('', { status: 503 }));
	const message = await call('connection.refresh', { id: 'c1' });
	expect(message).toMatchObject({
		ok: true,
		reply: { status: 'active', refreshing: false, problem: { error: { code: 'provider_unavailable' } } },
	});
});

test('tending answers before the network does, and the event lasts until it did', async () => {
	const { addConnection, getConnection } = await import('../../sw/wallet/connections.js');
	await addConnection(connection());
	const order: string[] = [];
	network(async ({ url }) => {
		if (!url.startsWith(ORIGIN)) order.push('network');
		await new Promise((resolve) => setTimeout(resolve, 5));
		return Response.json({ access_token: 'at-new', token_type: 'Bearer', expires_in: 3600 });
	});
	const { dispatch } = await load();
	await dispatch({ satchel: CONTRACT_VERSION, id: 't', command: 'connections.tend', payload: {} }, () =>
		order.push('reply'),
	);
	expect(order[0]).toBe('reply');
	expect((await getConnection('c1'))?.accessToken).toBe('at-new');
});

test('nothing that a reply or event carries holds a token, a key or a patient id', async () => {
	const { addConnection } = await import('../../sw/wallet/connections.js');
	await addConnection(connection({ accessToken: 'at-SECRET', refreshToken: 'rt-SECRET', patientId: 'pat-SECRET' }));
	const heard: WorkerEvent[] = [];
	const { EVENTS_CHANNEL } = await import('../../sw/contract.js');
	const channel = new BroadcastChannel(EVENTS_CHANNEL);
	const event = new Promise<void>((resolve) => {
		channel.onmessage = ({ data }: MessageEvent<WorkerEvent>) => {
			heard.push(data);
			resolve();
		};
	});
	const replies = [await call('overview', {}), await call('notice.dismiss', { id: 'x' })];
	const job = await call('collect.start', { include: ['c1'], from: {} });
	await event;
	const text = JSON.stringify([replies, job, heard]);
	expect(text).toContain('Lakeside');
	expect(text).not.toContain('SECRET');
});

test('a copy is turned on and off, and brought up to date, by a command each', async () => {
	setOnline(false);
	const { addConnection } = await import('../../sw/wallet/connections.js');
	await addConnection(connection());
	expect(errorOf(await call('copy.update', { id: 'c1' }))?.code).toBe('copy_gone');
	expect(errorOf(await call('copy.keep', { id: 'gone', on: true }))?.code).toBe('connection_unknown');
	expect(await call('copy.keep', { id: 'c1', on: true })).toMatchObject({ reply: { keep: true, copy: null } });
	const update = await call('copy.update', { id: 'c1' });
	expect(update).toMatchObject({ reply: { kind: 'keep', status: 'running' } });
	expect(await call('copy.update', { id: 'c1' })).toMatchObject({ reply: (update as { reply: object }).reply });
	expect(await call('copy.get', { id: 'c1' })).toMatchObject({ reply: { copy: null, kinds: [], history: [] } });
	expect(await call('overview', {})).toMatchObject({ reply: { jobs: [{ kind: 'keep' }] } });
	expect(await call('copy.keep', { id: 'c1', on: false })).toMatchObject({ reply: { keep: false } });
	expect(await call('overview', {})).toMatchObject({ reply: { jobs: [] } });
});

test('how records are collected is kept, and an estimate of what nobody can know says so', async () => {
	setOnline(false);
	const { addConnection } = await import('../../sw/wallet/connections.js');
	await addConnection(connection());
	expect(await call('collecting.get', {})).toMatchObject({ reply: { prefer: 'fetch', schedule: 'off' } });
	await call('collecting.set', { prefer: 'copy', schedule: 'daily' });
	kill();
	expect(await call('collecting.get', {})).toMatchObject({ reply: { prefer: 'copy', schedule: 'daily' } });
	expect(await call('estimate', { include: ['c1'], from: {}, sid: null })).toMatchObject({
		reply: { estimates: [{ connectionId: 'c1', basis: 'unknown', resources: null, bytes: null, tokens: null }] },
	});
	expect(errorOf(await call('estimate', { include: ['c1'], from: {}, sid: 'x' }))?.code).toBe('session_not_found');
});

// --- what the types allow ---------------------------------------------------------------------------------------

/** Names of all properties at any depth. */
type Names<T, Depth extends unknown[] = []> = Depth['length'] extends 8
	? never
	: T extends readonly (infer Item)[]
		? Names<Item, [...Depth, 0]>
		: T extends object
			? { [K in keyof T & string]-?: string extends K ? never : K | Names<T[K], [...Depth, 0]> }[keyof T & string]
			: never;

type Secret =
	| `${string}${'token' | 'Token' | 'secret' | 'Secret' | 'verifier' | 'Verifier' | 'password'}${string}`
	| `${string}Key`
	| 'key'
	| 'keys'
	| 'owner'
	| 'nonce'
	| 'link'
	| 'fragment'
	| 'patientId'
	| 'headers'
	| 'body'
	| 'cause'
	| 'message'
	| `authorization${string}`;

test('no type of a reply, event or error has a place for a secret', () => {
	type Carried = { [C in CommandName]: Names<Reply<C>> }[CommandName] | Names<ReplyMessage> | Names<WorkerEvent>;
	// `tokens` of an estimate are what an AI reads, and a number.
	expectTypeOf<Exclude<Extract<Carried, Secret>, 'tokens'>>().toBeNever();
	expectTypeOf<Estimate['tokens']>().toEqualTypeOf<number | null>();
	// The check sees through nesting: these are really there.
	expectTypeOf<Extract<Carried, 'correlationId' | 'birthDate' | 'retryAt'>>().toEqualTypeOf<
		'correlationId' | 'birthDate' | 'retryAt'
	>();
	expectTypeOf<Extract<Names<{ a: { b: { refreshToken: string }[] } }>, Secret>>().toEqualTypeOf<'refreshToken'>();
});
