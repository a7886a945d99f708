import {
	existsSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	rmSync,
	statSync,
	symlinkSync,
	writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, brotliDecompressSync, constants, gunzipSync, gzipSync } from 'node:zlib';
import { unzipSync } from 'fflate';
import { describe, expect, test } from 'vitest';
import { compressAppFiles } from '../../../relay/server/files/app-files.js';
import { expectProblem, random, setUp, temporaryDirectory } from './support.js';

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

/** As a build leaves it: with what is smaller compressed beside it. */
async function buildApp() {
	const directory = temporaryDirectory();
	const appDir = join(directory, 'app');
	for (const [name, content] of Object.entries(files)) {
		mkdirSync(dirname(join(appDir, name)), { recursive: true });
		writeFileSync(join(appDir, name), content);
	}
	writeFileSync(join(directory, 'outside.txt'), 'outside');
	await compressAppFiles(appDir);
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
		const { call } = await setUp({ appDir: await buildApp() });
		const answer = await call('GET', path, html);
		expect(answer.status).toBe(200);
		expect(answer.headers.get('Content-Type')).toBe('text/html; charset=utf-8');
		expect(answer.headers.get('Cache-Control')).toBe('no-cache');
		expect(answer.headers.get('Content-Security-Policy')).toBe(pagePolicy);
		expect(await answer.text()).toBe(files['index.html']);
	});

	test('is at every place where it renders a screen', async () => {
		const main = readFileSync(new URL('../../../app/main.tsx', import.meta.url), 'utf8');
		const paths = [...main.matchAll(/<Route path="([^"]+)"/g)].map(([, path]) => path!);
		expect(paths.length).toBeGreaterThan(7);
		const { call } = await setUp({ appDir: await buildApp() });
		for (const path of paths) {
			expect((await call('GET', path.replaceAll(/:\w+/g, random(16)), html)).status, path).toBe(200);
		}
	});

	test.each(['/nothing', '/connect', '/connect/a/b', '/collect/download/1', '/connections/a/b'])(
		'says 404 to a person at %s, and a problem to a program',
		async (path) => {
			const { call } = await setUp({ appDir: await buildApp() });
			const answer = await call('GET', path, html);
			expect(answer.status).toBe(404);
			expect(await answer.text()).toBe(files['index.html']);
			await expectProblem(await call('GET', path), 404, 'not_found');
		},
	);

	test('never answers a missing asset with a page', async () => {
		const { call } = await setUp({ appDir: await buildApp() });
		await expectProblem(await call('GET', '/assets/old-123.js', html), 404, 'not_found');
	});

	test('shows the callback page at the redirect URI', async () => {
		const { call } = await setUp({ appDir: await buildApp() });
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
		const { call } = await setUp({ appDir: await buildApp() });
		const answer = await call('GET', path);
		expect(answer.status).toBe(200);
		expect(answer.headers.get('Content-Type')).toBe(type);
		expect(answer.headers.get('Cache-Control')).toBe(caching);
		expect(answer.headers.get('ETag')).toMatch(/^"[\w-]{22}"$/);
		expect(await answer.text()).toBe(files[path.slice(1) as keyof typeof files]);
	});

	test('gives the worker a policy of its own, with the loopback origins that are configured', async () => {
		const policy = async (loopbackConnect: string[]) => {
			const { call } = await setUp({ appDir: await buildApp(), loopbackConnect });
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
		'/index.html.gz',
		'/assets/index-abc123.js.br',
		'/%00',
		'/%',
	])('serves nothing at %s', async (path) => {
		const { call } = await setUp({ appDir: await buildApp() });
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
		const { call } = await setUp({ appDir: await buildApp() });
		const answer = await call('GET', path, { headers: { 'Accept-Encoding': header } });
		expect(answer.headers.get('Content-Encoding')).toBe(encoding);
		expect(answer.headers.get('Vary')).toBe('Accept-Encoding');
		const body = Buffer.from(await answer.arrayBuffer());
		expect(answer.headers.get('Content-Length')).toBe(String(body.length));
		const plain = encoding === 'br' ? brotliDecompressSync(body) : encoding === 'gzip' ? gunzipSync(body) : body;
		expect(plain.toString()).toBe(script);
	});

	test('is left out where it saves nothing', async () => {
		const { call } = await setUp({ appDir: await buildApp() });
		for (const path of ['/icons/192.png', '/icons/logo.svg']) {
			const answer = await call('GET', path, { headers: { 'Accept-Encoding': 'br' } });
			expect(answer.headers.get('Content-Encoding')).toBeNull();
		}
	});

	test('is the build’s: what is served is, octet for octet, the file beside it', async () => {
		const appDir = await buildApp();
		for (const [encoding, ending, pack] of [
			['br', '.br', (data: Buffer) => brotliCompressSync(data, { params: { [constants.BROTLI_PARAM_QUALITY]: 0 } })],
			['gzip', '.gz', (data: Buffer) => gzipSync(data, { level: 1 })],
		] as const) {
			// Packed in another way than the relay would.
			const packed = pack(Buffer.from(script));
			expect(packed).not.toEqual(readFileSync(join(appDir, path + ending)));
			writeFileSync(join(appDir, path + ending), packed);
			const relay = await setUp({ appDir });
			const answer = await relay.call('GET', path, { headers: { 'Accept-Encoding': encoding } });
			expect(Buffer.from(await answer.arrayBuffer())).toEqual(packed);
		}
	});

	test('is nobody’s where the build made none, or where it is of another file', async () => {
		const appDir = await buildApp();
		rmSync(join(appDir, `${path}.br`));
		writeFileSync(join(appDir, `${path}.gz`), gzipSync('another build’s script'));
		writeFileSync(join(appDir, 'sw.js.br'), 'no Brotli');
		const { call } = await setUp({ appDir });
		for (const plain of [path, '/sw.js']) {
			const answer = await call('GET', plain, { headers: { 'Accept-Encoding': plain === path ? 'br, gzip' : 'br' } });
			expect(answer.headers.get('Content-Encoding')).toBeNull();
			expect(await answer.text()).toBe(script);
		}
	});

	test('of the provider directory is done without a build', async () => {
		const provider = { id: 'a', name: 'Harbor '.repeat(40), fhirBaseUrl: 'https://ehr.example/r4', clientId: 'c' };
		const { call } = await setUp({ providers: [provider] });
		for (const [encoding, plain] of [
			['br', brotliDecompressSync],
			['gzip', gunzipSync],
		] as const) {
			const answer = await call('GET', '/api/providers', { headers: { 'Accept-Encoding': encoding } });
			expect(answer.headers.get('Content-Encoding')).toBe(encoding);
			const body = plain(Buffer.from(await answer.arrayBuffer()));
			expect(JSON.parse(body.toString())).toEqual({ providers: [provider] });
		}
	});

	test('gives each encoding its own ETag, and what is known is not sent again', async () => {
		const { call } = await setUp({ appDir: await buildApp() });
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
		const { call } = await setUp({ appDir: await buildApp() });
		const headers = { 'Accept-Encoding': 'br' };
		const [head, get] = [await call('HEAD', path, { headers }), await call('GET', path, { headers })];
		expect(await head.text()).toBe('');
		expect([...head.headers]).toEqual([...get.headers]);
	});
});

describe('the skill', () => {
	const built = {
		'SKILL.md': 'Ask https://relay.invalid, or with --relay.',
		'satchel.mjs': 'ask("https://relay.invalid")',
	};

	function buildSkill(files: Record<string, string> = built) {
		const skillDir = temporaryDirectory();
		for (const [name, content] of Object.entries(files)) writeFileSync(join(skillDir, name), content);
		return skillDir;
	}

	const texts = async (answer: Response) =>
		Object.entries(unzipSync(new Uint8Array(await answer.arrayBuffer()))).map(([name, octets]) => [
			name,
			Buffer.from(octets).toString(),
		]);

	test.each([
		[{ baseUrl: 'https://satchel.example' }, 'https://satchel.example'],
		[{ port: 4321 }, 'http://localhost:4321'],
	])('is a zip with the address that is configured (%j), whatever Host says', async (config, origin) => {
		const { call } = await setUp({ skillDir: buildSkill(), ...config });
		const answer = await call('GET', '/skill.zip', {
			headers: { Host: 'evil.example', 'X-Forwarded-Host': 'evil.example' },
		});
		expect(answer.status).toBe(200);
		expect(Object.fromEntries(answer.headers)).toMatchObject({
			'content-type': 'application/zip',
			'content-disposition': 'attachment; filename="satchel-skill.zip"',
			'cache-control': 'no-cache',
			'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
			etag: expect.stringMatching(/^"[\w-]{22}"$/),
		});
		expect(await texts(answer)).toEqual([
			['satchel/SKILL.md', `Ask ${origin}, or with --relay.`],
			['satchel/scripts/satchel.mjs', `ask("${origin}")`],
		]);
	});

	test('is the same, octet for octet, of every relay that has the same address, and what is known is not sent again', async () => {
		const get = async (headers = {}) => {
			const { call } = await setUp({ skillDir: buildSkill(), baseUrl: 'https://satchel.example' });
			return call('GET', '/skill.zip', { headers });
		};
		const [one, other] = [await get(), await get()];
		const etag = one.headers.get('ETag') ?? '';
		expect(other.headers.get('ETag')).toBe(etag);
		expect(await other.bytes()).toEqual(await one.bytes());
		expect((await get({ 'If-None-Match': etag })).status).toBe(304);
	});

	test.each([[{}], [{ 'SKILL.md': built['SKILL.md'] }], [{ 'satchel.mjs': built['satchel.mjs'] }]])(
		'is not there as long as it is not built, or half (%j), and is as soon as it is',
		async (files) => {
			const skillDir = buildSkill(files);
			const { call } = await setUp({ skillDir });
			const answer = await call('GET', '/skill.zip');
			expect(answer.headers.get('Cache-Control')).toBe('no-store');
			expect(answer.headers.get('Retry-After')).not.toBeNull();
			await expectProblem(answer, 503, 'unavailable');
			for (const [name, content] of Object.entries(built)) writeFileSync(join(skillDir, name), content);
			expect((await call('GET', '/skill.zip')).status).toBe(200);
		},
	);
});

const dist = fileURLToPath(new URL('../../../dist/app', import.meta.url));
const isBuilt = existsSync(join(dist, 'sw.js'));
if (!isBuilt)
	console.warn('dist/ is not built: its compressed files are not looked at (npm test builds before it looks)');

describe.runIf(isBuilt)('the build', () => {
	const names = readdirSync(isBuilt ? dist : '.', { recursive: true, encoding: 'utf8' }).filter(
		(name) => isBuilt && statSync(join(dist, name)).isFile(),
	);

	test('has each text beside itself, compressed by Brotli and by gzip, and compresses no picture', () => {
		const content = (name: string) => readFileSync(join(dist, name));
		const large = names.filter((name) => /\.(js|css|html|svg|webmanifest)$/.test(name) && content(name).length > 1000);
		expect(large).toEqual(expect.arrayContaining(['index.html', 'sw.js']));
		for (const name of large) {
			expect(brotliDecompressSync(content(`${name}.br`))).toEqual(content(name));
			expect(gunzipSync(content(`${name}.gz`))).toEqual(content(name));
		}
		expect(names.filter((name) => /\.png\./.test(name))).toEqual([]);
	});

	test('has no compressed file among those that the worker keeps', () => {
		const worker = readFileSync(join(dist, 'sw.js'), 'utf8');
		expect(worker).toMatch(/"?url"?:\s*["'`]index\.html/);
		expect(worker).not.toMatch(/\.(br|gz)["'`]/);
	});
});

describe('every answer', () => {
	const paths = [
		'/',
		'/skill.zip',
		'/sw.js',
		'/nothing',
		'/api/health',
		'/api/nothing',
		'/.well-known/jwks.json',
		'/api/sessions/x',
	];

	test.each(paths)('at %s has the security headers', async (path) => {
		const { call } = await setUp({ appDir: await buildApp() });
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
			const { call } = await setUp({ appDir: await buildApp(), baseUrl });
			return (await call('GET', '/')).headers.get('Strict-Transport-Security');
		};
		expect(await hsts('https://satchel.example')).toMatch(/^max-age=\d{8}/);
		expect(await hsts('http://localhost:8787')).toBeNull();
	});
});
