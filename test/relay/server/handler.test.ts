import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Provider, routes } from '../../../relay/contract.js';
import { RelayError } from '../../../relay/server/errors.js';
import { claimed, expectProblem, jwe, party, random, setUp } from './support.js';

describe('health', () => {
	test('is ok when the store can be written', async () => {
		const { call } = await setUp();
		const answer = await call('GET', routes.health);
		expect(answer.status).toBe(200);
		expect(await answer.json()).toEqual({ status: 'ok' });
	});

	test('is 503 when it cannot, though the process is alive', async () => {
		const { call, directory } = await setUp();
		rmSync(join(directory, 'staging'), { recursive: true });
		const answer = await call('GET', routes.health);
		expect(answer.headers.get('Retry-After')).toBe('10');
		await expectProblem(answer, 503, 'unavailable');
		expect((await call('GET', routes.live)).status).toBe(200);
	});

	test('is 503 when the relay is about to stop, though the process is alive', async () => {
		const { call, stopping } = await setUp();
		stopping.abort();
		await expectProblem(await call('GET', routes.health), 503, 'unavailable');
		expect(await (await call('GET', routes.live)).json()).toEqual({ status: 'ok' });
	});
});

describe('what is published', () => {
	const providers: Provider[] = [{ id: 'a', name: 'A', fhirBaseUrl: 'https://a.example/fhir', clientId: 'c' }];

	test('is the provider directory as configured, with an ETag', async () => {
		const { call } = await setUp({ providers });
		const answer = await call('GET', routes.providers);
		expect(await answer.json()).toEqual({ providers });
		const again = await call('GET', routes.providers, { headers: { 'If-None-Match': answer.headers.get('ETag')! } });
		expect(again.status).toBe(304);
	});

	test('are the public keys', async () => {
		const keys = [{ kty: 'RSA', n: 'n', e: 'AQAB' }];
		expect(await (await (await setUp({ jwks: { keys } })).call('GET', routes.jwks)).json()).toEqual({ keys });
		expect(await (await (await setUp()).call('GET', routes.jwks)).json()).toEqual({ keys: [] });
	});
});

describe('sessions from one address', () => {
	test('are limited in each minute', async () => {
		const setup = await setUp({ sessionsPerMinute: 2 });
		const create = (address: string) => party(setup).create({}, address);
		expect((await create('192.0.2.1')).status).toBe(201);
		expect((await create('192.0.2.1')).status).toBe(201);
		setup.clock.time += 20_000;
		const refused = await create('192.0.2.1');
		expect(refused.headers.get('Retry-After')).toBe('40');
		await expectProblem(refused, 429, 'too_many_requests');
		expect((await create('192.0.2.2')).status).toBe(201);
		setup.clock.time += 40_000;
		expect((await create('192.0.2.1')).status).toBe(201);
	});
});

describe('other origins', () => {
	const baseUrl = 'https://satchel.example';
	const preflight = (Origin: string) => ({
		headers: { Origin, 'Access-Control-Request-Method': 'PUT', 'Access-Control-Request-Headers': 'authorization' },
	});

	test('are not let in, but for the configured one', async () => {
		const { call } = await setUp({ baseUrl });
		const path = routes.session(random(16));
		const ours = await call('OPTIONS', path, preflight(baseUrl));
		expect(ours.headers.get('Access-Control-Allow-Origin')).toBe(baseUrl);
		expect(ours.headers.get('Access-Control-Allow-Headers')).toContain('Content-Digest');
		expect(ours.headers.get('Access-Control-Allow-Credentials')).toBeNull();
		const theirs = await call('OPTIONS', path, preflight('https://evil.example'));
		expect(theirs.headers.get('Access-Control-Allow-Origin')).toBeNull();
		const read = await call('GET', path, { headers: { Origin: 'https://evil.example' } });
		expect(read.headers.get('Access-Control-Allow-Origin')).toBeNull();
	});

	test('can read the progress when they are the configured one', async () => {
		const { call } = await setUp({ baseUrl });
		const answer = await call('GET', routes.health, { headers: { Origin: baseUrl } });
		expect(answer.headers.get('Access-Control-Expose-Headers')).toContain('Session-State');
	});
});

describe('the log', () => {
	test('has one line a request, with the route and never the path, and no secret of anybody', async () => {
		const setup = await setUp();
		mkdirSync(setup.config.appDir);
		writeFileSync(join(setup.config.appDir, 'index.html'), 'page');
		const session = await claimed(setup, { request: 'a.b.c.d.e' });
		const bid = random(16);
		await session.put(bid, 0, new TextEncoder().encode('sealed octets'));
		await session.get(bid, 0);
		await session.list(session.read);
		const manifest = jwe();
		await session.send(manifest);
		await session.wait(0);
		await session.info(random(32));
		await session.end();
		await setup.call('GET', `/connect/${session.sid}?secret=query`, { headers: { Accept: 'text/html' } });
		await setup.call('GET', '/connect/callback?code=secret-code&state=s');
		await setup.call('GET', `/unknown/${session.sid}`);

		const routesLogged = setup.lines.map(({ fields }) => `${fields.method} ${fields.route} ${fields.status}`);
		expect(routesLogged).toEqual([
			'PUT /api/sessions/:sid 201',
			'POST /api/sessions/:sid/claim 200',
			'PUT /api/sessions/:sid/blobs/:bid/:n 201',
			'GET /api/sessions/:sid/blobs/:bid/:n 200',
			'GET /api/sessions/:sid/blobs 200',
			'PUT /api/sessions/:sid/manifest 201',
			'GET /api/sessions/:sid/manifest 200',
			'GET /api/sessions/:sid 404',
			'DELETE /api/sessions/:sid 204',
			'GET /* 200',
			'GET /connect/callback 503',
			'GET /* 404',
		]);
		expect(setup.lines[2]!.fields).toMatchObject({ declaredIn: 13 });
		expect(setup.lines[7]!.fields).toMatchObject({ code: 'session_not_found' });
		expect(setup.lines[3]!.fields).toMatchObject({ declaredOut: 13 });
		const text = JSON.stringify(setup.lines);
		const { sid, read, write, owner, body } = session;
		for (const secret of [
			sid,
			bid,
			read,
			write,
			owner,
			body.readHash,
			body.writeHash,
			manifest,
			'secret',
			'192.0.2.1',
		]) {
			expect(text).not.toContain(secret);
		}
	});

	test('names a refusal by the id and the code that the client was given', async () => {
		const setup = await setUp();
		for (const [method, path] of [
			['GET', routes.session(random(16))],
			['PROPFIND', '/nowhere'],
		] as const) {
			const { correlationId, code } = await (await setup.call(method, path)).json();
			expect(setup.lines.at(-1)).toMatchObject({ text: 'request', fields: { correlationId, code, status: 404 } });
		}
	});

	test.each(['ENOSPC', 'EROFS', 'EIO', 'EMFILE'])(
		'calls no failure of the program what its disk says: %s',
		async (code) => {
			const setup = await setUp();
			setup.store.create = () => Promise.reject(Object.assign(new Error('secret'), { code }));
			await expectProblem(await party(setup).create(), 503, 'unavailable');
			expect(setup.lines).toMatchObject([{ text: 'request', fields: { code: 'unavailable', systemCode: code } }]);
		},
	);

	test('of what the relay cannot do now has one line, with the reason where there is one, and no stack', async () => {
		const setup = await setUp();
		const session = await claimed(setup);
		setup.lines.length = 0;
		setup.store.putPart = () => Promise.reject(new RelayError('unavailable', { retryAfter: 5 }));
		await expectProblem(await session.put(random(16), 0, new Uint8Array(10)), 503, 'unavailable');
		setup.store.ready = () => Promise.reject(Object.assign(new Error('secret'), { code: 'ENOSPC' }));
		await expectProblem(await setup.call('GET', routes.health), 503, 'unavailable');
		expect(setup.lines.map(({ text, fields }) => [text, fields.code, fields.systemCode, fields.stack])).toEqual([
			['request', 'unavailable', undefined, undefined],
			['request', 'unavailable', 'ENOSPC', undefined],
		]);
	});

	test('tells of an unexpected failure under the id that the client was given, without its message', async () => {
		const setup = await setUp();
		const session = await claimed(setup);
		const bid = random(16);
		rmSync(join(setup.directory, 'staging'), { recursive: true });
		const answer = await session.put(bid, 0, new Uint8Array(10));
		const { correlationId } = await answer.clone().json();
		await expectProblem(answer, 500, 'internal');
		const failure = setup.lines.find(({ text }) => text === 'failed');
		expect(failure?.fields).toMatchObject({ correlationId, systemCode: 'ENOENT' });
		expect(JSON.stringify(setup.lines)).not.toContain(setup.directory);
	});
});
