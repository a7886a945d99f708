import { expect, test, vi } from 'vitest';
import { bodyJson, checkedUrl, http, retryAfter } from '../../sw/http.js';
import { codeOf, json, network, sent, setOnline } from './setup.js';
import { answer } from './smart/support.js';

const URL_ = 'https://fhir.test/x';

test('any status is an answer, not an error', async () => {
	for (const status of [200, 401, 404, 500]) {
		network(() => json({ status }, { status }));
		const got = await http(URL_);
		expect({ status: got.status, body: bodyJson(got), url: got.url }).toEqual({ status, body: { status }, url: URL_ });
	}
});

test('requests take no cookies, no cache, no referrer and no redirect along', async () => {
	const seen: Record<string, string>[] = [];
	network(({ credentials, cache, referrerPolicy, redirect }) => {
		seen.push({ credentials, cache, referrerPolicy, redirect });
		return json({});
	});
	await http(URL_);
	expect(seen).toEqual([{ credentials: 'omit', cache: 'no-store', referrerPolicy: 'no-referrer', redirect: 'manual' }]);
});

test('a redirect is never followed with a bearer token', async () => {
	network(() => new Response(null, { status: 307, headers: { Location: 'https://evil.test/' } }));
	const headers = { Authorization: 'Bearer at' };
	expect(await codeOf(http(URL_, { headers, redirected: 'relay_error' }))).toBe('relay_error');
	expect(sent.map(({ url }) => url)).toEqual([URL_]);
});

test('being offline, being down and missing CORS are told apart', async () => {
	network(() => {
		throw new TypeError('down');
	});
	expect(await codeOf(http(URL_))).toBe('network');
	network(({ mode }) => {
		if (mode === 'no-cors') return new Response();
		throw new TypeError('CORS');
	});
	expect(await codeOf(http(URL_))).toBe('cors');
	setOnline(false);
	expect(await codeOf(http(URL_))).toBe('offline');
});

test('the second look that tells CORS from an outage carries no token', async () => {
	network(({ mode }) => {
		if (mode === 'no-cors') return new Response();
		throw new TypeError('CORS');
	});
	await codeOf(http(URL_, { headers: { Authorization: 'Bearer at' } }));
	expect(sent.at(-1)?.headers.has('Authorization')).toBe(false);
});

test('an answer that breaks off is the network’s fault, not that of CORS', async () => {
	network(
		() =>
			new Response(
				new ReadableStream({
					start: (controller) => controller.enqueue(new Uint8Array(10)),
					pull: (controller) => controller.error(new TypeError('reset')),
				}),
			),
	);
	expect(await codeOf(http(URL_))).toBe('network');
});

test('an answer that never comes is a timeout', async () => {
	vi.spyOn(AbortSignal, 'timeout').mockReturnValue(AbortSignal.abort(new DOMException('late', 'TimeoutError')));
	network(() => new Promise(() => {}));
	expect(await codeOf(http(URL_))).toBe('timeout');
});

test('a body is read up to its cap, whatever its length says', async () => {
	network(() => new Response(new Uint8Array(10)));
	expect((await http(URL_, { maxBytes: 10 })).bytes).toHaveLength(10);
	expect(await codeOf(http(URL_, { maxBytes: 9, tooLarge: 'too_large' }))).toBe('too_large');
	network(() => new Response(new Uint8Array(10), { headers: { 'Content-Length': '3' } }));
	expect(await codeOf(http(URL_, { maxBytes: 9 }))).toBe('provider_error');
	network(() => new Response(null, { status: 204 }));
	expect((await http(URL_)).bytes).toHaveLength(0);
});

// Pieces alone: see `setup.ts`. Byte streams are read by every journey.
test('a body arrives whole, however it is cut and whatever its length says', async () => {
	const whole = Uint8Array.from({ length: 100_003 }, (_, i) => (i * 7) % 251);
	for (const size of [0, 1, 16 * 1024, 16 * 1024 + 1, 100_003]) {
		for (const piece of [999, 40_000, 100_003]) {
			for (const told of [undefined, 1, size, size + 5_000]) {
				let at = 0;
				const body = new ReadableStream({
					pull(controller) {
						const next = whole.slice(at, Math.min(size, at + piece));
						at += next.length;
						if (next.length) controller.enqueue(next);
						if (at < size) return;
						controller.close();
					},
				});
				network(() => new Response(body, { headers: told === undefined ? {} : { 'Content-Length': `${told}` } }));
				const { bytes } = await http(URL_);
				expect(Buffer.from(bytes).equals(whole.subarray(0, size))).toBe(true);
				network(() => new Response(whole.slice(0, size)));
				if (size) expect(await codeOf(http(URL_, { maxBytes: size - 1, tooLarge: 'too_large' }))).toBe('too_large');
				network(() => new Response(whole.slice(0, size)));
				expect((await http(URL_, { maxBytes: size })).bytes.length).toBe(size);
			}
		}
	}
});

test('only a JSON object counts as JSON', () => {
	expect(bodyJson(answer('{"a":1}'))).toEqual({ a: 1 });
	for (const text of ['[]', 'null', '"x"', '1', '{', '']) expect(bodyJson(answer(text))).toBeUndefined();
});

test('Retry-After is read in seconds and as a date', () => {
	const of = (value: string) => retryAfter(new Headers({ 'Retry-After': value }), 1000);
	expect(of('2')).toBe(3000);
	expect(of('0')).toBe(1000);
	expect(of('Thu, 01 Jan 1970 00:00:10 GMT')).toBe(10_000);
	for (const value of ['-1', 'soon', '']) expect(of(value) ?? 0, value).not.toBeGreaterThan(Date.now());
	expect(retryAfter(new Headers(), 0)).toBeUndefined();
});

test.each(['http://localhost/', 'http://127.0.0.1:1/', 'http://127.9.9.9/', 'http://[::1]:1/', 'https://fhir.test/'])(
	'%s is fine',
	(url) => {
		expect(checkedUrl(url).href).toBe(url);
	},
);

test.each(['http://fhir.test', 'http://localhost.evil.test', 'http://127.0.0.1.evil.test', 'http://10.0.0.1'])(
	'%s is insecure',
	async (url) => {
		expect(await codeOf(() => checkedUrl(url))).toBe('url_insecure');
	},
);
