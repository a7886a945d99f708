import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { expectProblem, setUp, temporaryDirectory } from './support.js';

const script = `console.log(${JSON.stringify('a'.repeat(5000))});`;
const files = {
	'index.html': '<!doctype html><title>Satchel</title>',
	'callback.html': '<!doctype html><title>Signing in</title>',
	'sw.js': script,
	'manifest.webmanifest': '{"name":"Satchel"}',
	'assets/index-abc123.js': script,
	'assets/index-abc123.css': 'body{}'.repeat(500),
	'icons/192.png': 'png',
	'icons/logo.svg': '<svg/>',
	'.env': 'SECRET=1',
};

function buildApp() {
	const directory = temporaryDirectory();
	const appDir = join(directory, 'app');
	for (const [name, content] of Object.entries(files)) {
		mkdirSync(dirname(join(appDir, name)), { recursive: true });
		writeFileSync(join(appDir, name), content);
	}
	writeFileSync(join(directory, 'outside.txt'), 'outside');
	symlinkSync(join(directory, 'outside.txt'), join(appDir, 'link.txt'));
	return appDir;
}

const html = { headers: { Accept: 'text/html,*/*' } };
const pagePolicy =
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; " +
	"manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
	"require-trusted-types-for 'script'; trusted-types satchel";

describe('the app', () => {
	test.each([
		'/',
		'/?utm=1',
		'/connections',
		'/connections/',
		'/connections/select',
		'/collect',
		'/connect/AAAAAAAAAAAAAAAAAAAAAA',
		'/connect/AAAAAAAAAAAAAAAAAAAAAA/select',
	])('is at %s', async (path) => {
		const { call } = await setUp({ appDir: buildApp() });
		const answer = await call('GET', path, html);
		expect(answer.status).toBe(200);
		expect(answer.headers.get('Content-Type')).toBe('text/html; charset=utf-8');
		expect(answer.headers.get('Cache-Control')).toBe('no-cache');
		expect(answer.headers.get('Content-Security-Policy')).toBe(pagePolicy);
		expect(await answer.text()).toBe(files['index.html']);
	});

	test.each(['/nothing', '/connect', '/connect/a/b', '/collect/download/1', '/connections/other'])(
		'says 404 to a person at %s, and a problem to a program',
		async (path) => {
			const { call } = await setUp({ appDir: buildApp() });
			const answer = await call('GET', path, html);
			expect(answer.status).toBe(404);
			expect(await answer.text()).toBe(files['index.html']);
			await expectProblem(await call('GET', path), 404, 'not_found');
		},
	);

	test('never answers a missing asset with a page', async () => {
		const { call } = await setUp({ appDir: buildApp() });
		await expectProblem(await call('GET', '/assets/old-123.js', html), 404, 'not_found');
	});

	test('shows the callback page at the redirect URI', async () => {
		const { call } = await setUp({ appDir: buildApp() });
		const answer = await call('GET', '/connect/callback?code=SECRET&state=s', html);
		expect(answer.status).toBe(200);
		expect(await answer.text()).toBe(files['callback.html']);
		expect(answer.headers.get('Content-Security-Policy')).toBe(pagePolicy);
		// Its address holds a code: no cache may keep it, and nothing may be asked for again by a tag.
		expect(answer.headers.get('Cache-Control')).toBe('no-store');
		expect(answer.headers.get('ETag')).toBeNull();
	});

	test.each([
		['/assets/index-abc123.js', 'text/javascript; charset=utf-8', 'public, max-age=31536000, immutable'],
		['/assets/index-abc123.css', 'text/css; charset=utf-8', 'public, max-age=31536000, immutable'],
		['/manifest.webmanifest', 'application/manifest+json', 'no-cache'],
		['/sw.js', 'text/javascript; charset=utf-8', 'no-cache'],
		['/index.html', 'text/html; charset=utf-8', 'no-cache'],
		['/icons/192.png', 'image/png', 'no-cache'],
		['/icons/logo.svg', 'image/svg+xml', 'no-cache'],
	])('serves %s as %s, %s', async (path, type, caching) => {
		const { call } = await setUp({ appDir: buildApp() });
		const answer = await call('GET', path);
		expect(answer.status).toBe(200);
		expect(answer.headers.get('Content-Type')).toBe(type);
		expect(answer.headers.get('Cache-Control')).toBe(caching);
		expect(answer.headers.get('ETag')).toMatch(/^"[\w-]{22}"$/);
		expect(await answer.text()).toBe(files[path.slice(1) as keyof typeof files]);
	});

	test('gives the worker a policy of its own, with the loopback origins that are configured', async () => {
		const policy = async (loopbackConnect: string[]) => {
			const { call } = await setUp({ appDir: buildApp(), loopbackConnect });
			return (await call('GET', '/sw.js')).headers.get('Content-Security-Policy');
		};
		expect(await policy([])).toBe("default-src 'none'; script-src 'self'; connect-src 'self' https:");
		expect(await policy(['http://localhost:8788'])).toBe(
			"default-src 'none'; script-src 'self'; connect-src 'self' https: http://localhost:8788",
		);
	});

	test.each([
		'/.env',
		'/link.txt',
		'/../outside.txt',
		'/..%2foutside.txt',
		'/%2e%2e/outside.txt',
		'/assets/../../outside.txt',
		'/assets/..%2f..%2foutside.txt',
		'/..\\outside.txt',
		'//outside.txt',
		'/assets',
		'/%00',
		'/%',
	])('serves nothing at %s', async (path) => {
		const { call } = await setUp({ appDir: buildApp() });
		const answer = await call('GET', path);
		expect(answer.status).toBe(404);
		expect(await answer.text()).not.toMatch(/outside|SECRET/);
	});

	test('says that it is not built when it is not, and is there as soon as it is', async () => {
		const appDir = join(temporaryDirectory(), 'app');
		const { call } = await setUp({ appDir });
		for (const path of ['/', '/connect/callback', '/sw.js']) {
			const answer = await call('GET', path, html);
			expect(answer.status).toBe(503);
			expect(await answer.text()).toContain('not built');
		}
		mkdirSync(appDir);
		writeFileSync(join(appDir, 'index.html'), 'built');
		expect(await (await call('GET', '/')).text()).toBe('built');
	});
});

describe('compression', () => {
	const path = '/assets/index-abc123.js';

	test.each([
		['gzip, deflate, br, zstd', 'br'],
		['gzip', 'gzip'],
		['br;q=0, gzip', 'gzip'],
		['br; q=0.0,gzip;q=0.5', 'gzip'],
		['BR', 'br'],
		['', null],
		['deflate', null],
		['br;q=0,gzip;q=0', null],
	])('for Accept-Encoding "%s" is %s', async (header, encoding) => {
		const { call } = await setUp({ appDir: buildApp() });
		const answer = await call('GET', path, { headers: { 'Accept-Encoding': header } });
		expect(answer.headers.get('Content-Encoding')).toBe(encoding);
		expect(answer.headers.get('Vary')).toBe('Accept-Encoding');
		const body = Buffer.from(await answer.arrayBuffer());
		expect(answer.headers.get('Content-Length')).toBe(String(body.length));
		const plain = encoding === 'br' ? brotliDecompressSync(body) : encoding === 'gzip' ? gunzipSync(body) : body;
		expect(plain.toString()).toBe(script);
	});

	test('is left out where it saves nothing', async () => {
		const { call } = await setUp({ appDir: buildApp() });
		for (const path of ['/icons/192.png', '/icons/logo.svg']) {
			const answer = await call('GET', path, { headers: { 'Accept-Encoding': 'br' } });
			expect(answer.headers.get('Content-Encoding')).toBeNull();
		}
	});

	test('gives each encoding its own ETag, and what is known is not sent again', async () => {
		const { call } = await setUp({ appDir: buildApp() });
		const get = (encoding: string, etag?: string) =>
			call('GET', path, { headers: { 'Accept-Encoding': encoding, ...(etag && { 'If-None-Match': etag }) } });
		const [br, plain] = [(await get('br')).headers.get('ETag')!, (await get('')).headers.get('ETag')!];
		expect(br).not.toBe(plain);
		for (const etag of [br, `W/${br}`, `"x", ${br}`, '*']) {
			const answer = await get('br', etag);
			expect(answer.status).toBe(304);
			expect(answer.headers.get('ETag')).toBe(br);
			expect(await answer.text()).toBe('');
		}
		expect((await get('br', plain)).status).toBe(200);
	});

	test('is also told to HEAD, without a body', async () => {
		const { call } = await setUp({ appDir: buildApp() });
		const headers = { 'Accept-Encoding': 'br' };
		const [head, get] = [await call('HEAD', path, { headers }), await call('GET', path, { headers })];
		expect(await head.text()).toBe('');
		expect([...head.headers]).toEqual([...get.headers]);
	});
});

describe('every answer', () => {
	const paths = ['/', '/sw.js', '/nothing', '/api/health', '/api/nothing', '/.well-known/jwks.json', '/api/sessions/x'];

	test.each(paths)('at %s has the security headers', async (path) => {
		const { call } = await setUp({ appDir: buildApp() });
		const { headers } = await call('GET', path, html);
		expect(headers.get('Referrer-Policy')).toBe('no-referrer');
		expect(headers.get('X-Content-Type-Options')).toBe('nosniff');
		expect(headers.get('Cross-Origin-Opener-Policy')).toBe('same-origin');
		expect(headers.get('Cross-Origin-Resource-Policy')).toBe('same-origin');
		expect(headers.get('Permissions-Policy')).toContain('geolocation=()');
		expect(headers.get('Content-Security-Policy')).toMatch(/^default-src 'none'/);
		expect(headers.get('Strict-Transport-Security')).toBeNull();
		expect(headers.get('Access-Control-Allow-Origin')).toBeNull();
	});

	test('asks for https only where the app is served by https', async () => {
		const hsts = async (baseUrl: string) => {
			const { call } = await setUp({ appDir: buildApp(), baseUrl });
			return (await call('GET', '/')).headers.get('Strict-Transport-Security');
		};
		expect(await hsts('https://satchel.example')).toMatch(/^max-age=\d{8}/);
		expect(await hsts('http://localhost:8787')).toBeNull();
	});
});
