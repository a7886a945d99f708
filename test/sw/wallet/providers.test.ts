import { expect, test, vi } from 'vitest';
import { codeOf, json, kill, network, sent, setOnline } from '../setup.js';

const load = () => import('../../../sw/wallet/providers.js');

const providers = [
	{ id: 'm', name: 'Hôpital Sainte-Marie', fhirBaseUrl: 'https://marie.test/fhir', clientId: 'a' },
	{
		id: 'l',
		name: 'Lakeside Health',
		aliases: ['Mercy Lakeside'],
		location: 'Madison, WI',
		fhirBaseUrl: 'https://l.test/r4',
		clientId: 'a',
	},
	{ id: 'o', name: 'Overlake Clinic', location: 'Bellevue, WA', fhirBaseUrl: 'https://o.test/r4', clientId: 'a' },
	{ id: 'n', name: 'North Lake', fhirBaseUrl: 'https://n.test/r4', clientId: 'a' },
];
const serve = () => network(() => json({ providers }));
const later = () => vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 10 * 60_000 });
const ids = async (text: string, limit = 10) =>
	(await (await load()).searchProviders(text, limit)).providers.map(({ id }) => id);

test('an empty text lists by name, up to the limit, and tells how many there are', async () => {
	serve();
	const { providers: found, total } = await (await load()).searchProviders('  ', 2);
	expect(found.map(({ id }) => id)).toEqual(['m', 'l']);
	expect(total).toBe(4);
});

test('case, accents and punctuation do not count', async () => {
	serve();
	expect(await ids('HOPITAL sainte marie')).toEqual(['m']);
	expect(await ids('hôpital, (sainte)')).toEqual(['m']);
});

test('the beginning of a name goes before the beginning of a word, that before the middle of one', async () => {
	serve();
	expect(await ids('lake')).toEqual(['l', 'n', 'o']);
});

test('every word must occur, in the name, an alias, the place or the host', async () => {
	serve();
	expect(await ids('lake madison')).toEqual(['l']);
	expect(await ids('mercy')).toEqual(['l']);
	expect(await ids('marie.test')).toEqual(['m']);
	expect(await ids('lake nowhere')).toEqual([]);
});

test('what is shown holds neither the client id nor the path', async () => {
	serve();
	expect((await (await load()).searchProviders('madison', 1)).providers).toEqual([
		{ id: 'l', name: 'Lakeside Health', location: 'Madison, WI', host: 'l.test' },
	]);
});

test('the directory is fetched once for many searches', async () => {
	serve();
	await Promise.all([ids('a'), ids('b')]);
	await ids('c');
	expect(sent).toHaveLength(1);
});

test('without a network the stored directory serves, also a new worker', async () => {
	serve();
	await ids('lake');
	setOnline(false);
	kill();
	later();
	expect(await ids('madison')).toEqual(['l']);
});

test('a broken answer does not replace the directory that is stored', async () => {
	serve();
	await ids('lake');
	later();
	network(() => new Response('<html>'));
	expect(await ids('madison')).toEqual(['l']);
	await vi.waitFor(() => expect(sent).toHaveLength(2));
	kill();
	setOnline(false);
	expect(await ids('madison')).toEqual(['l']);
});

test('without a network and without a stored directory it says so, and asks again next time', async () => {
	setOnline(false);
	expect(await codeOf(ids(''))).toBe('offline');
	setOnline(true);
	network(() => new Response('{}', { status: 500 }));
	expect(await codeOf(ids(''))).toBe('relay_error');
	serve();
	expect(await ids('madison')).toEqual(['l']);
});

test('a new worker takes the directory that is stored', async () => {
	serve();
	await ids('');
	kill();
	expect(await ids('madison')).toEqual(['l']);
	expect(sent).toHaveLength(1);
});

test('after a while the directory is asked for anew, and searching does not wait for it', async () => {
	serve();
	await ids('');
	later();
	let answer = (_: Response) => {};
	network(() => new Promise<Response>((resolve) => (answer = resolve)));
	expect(await ids('lake')).toEqual(['l', 'n', 'o']);
	await vi.waitFor(() => expect(sent).toHaveLength(2));
	answer(json({ providers: providers.slice(0, 1) }));
	await vi.waitFor(async () => expect(await ids('')).toEqual(['m']));
	expect(sent).toHaveLength(2);
});

test('going to a provider asks for the newest directory first', async () => {
	serve();
	const { getProvider } = await load();
	await getProvider('l');
	later();
	network(() => json({ providers: providers.map((provider) => ({ ...provider, clientId: 'b' })) }));
	expect((await getProvider('l')).clientId).toBe('b');
});

test('a directory that is the same by its ETag is not sent again', async () => {
	network(() => json({ providers }, { headers: { ETag: '"1"' } }));
	await ids('');
	kill();
	later();
	network(() => new Response(null, { status: 304 }));
	const { getProvider } = await load();
	expect((await getProvider('l')).name).toBe('Lakeside Health');
	expect(sent.at(-1)?.headers.get('If-None-Match')).toBe('"1"');
	await getProvider('l');
	expect(sent).toHaveLength(2);
});

test('a provider that is not in the directory is unknown', async () => {
	serve();
	const { getProvider } = await load();
	expect((await getProvider('l')).clientId).toBe('a');
	expect(await codeOf(getProvider('x'))).toBe('provider_unknown');
});
