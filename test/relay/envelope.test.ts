import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { base64url, CompactSign } from 'jose';
import { describe, expect, test } from 'vitest';
import { PROTOCOL_VERSION } from '../../relay/contract.js';
import {
	deriveKeys,
	generateKeyPair,
	keyId,
	openManifest,
	openPart,
	openRequest,
	random,
	sealManifest,
	sealPart,
	sealRequest,
	sha256,
	tokenHash,
} from '../../relay/envelope.js';
import { makeLink, parseLink } from '../../relay/link.js';

const files = ['../../../shared/vectors/session-v1.json', '../vectors/session-v1.json']
	.map((path) => new URL(path, import.meta.url))
	.filter((url) => existsSync(url));
if (files.length < 2) console.warn('../shared/vectors is not here: only the committed vector is replayed');

describe.each(files.map((url) => [url.pathname.split('/').slice(-3).join('/'), url] as const))(
	'vector %s',
	(_, url) => {
		const vector = JSON.parse(readFileSync(url, 'utf8'));
		const session = { sid: vector.sid, pk: vector.pk, secret: vector.S };
		const agent = { ...session, sk: vector.sk };

		test('the link holds the session and nothing more', () => {
			expect(makeLink(new URL(vector.link).origin, session)).toBe(vector.link);
			expect(parseLink(vector.link)).toEqual({ origin: new URL(vector.link).origin, ...session });
		});

		test('keys, hashes and the match code derive as written', async () => {
			expect(await deriveKeys(session)).toEqual(vector.derived);
			expect(await keyId(vector.pk)).toBe(vector.kid);
			expect(await tokenHash(vector.read)).toBe(vector.hashes.read);
			expect(await tokenHash(vector.derived.write)).toBe(vector.hashes.write);
			expect(await tokenHash(vector.owner)).toBe(vector.hashes.owner);
		});

		test('the request opens', async () => {
			expect(await openRequest(vector.request.jwe, vector.derived.request)).toEqual(vector.request.plaintext);
		});

		test('each part opens, has the digest of the manifest, and seals to the same octets', async () => {
			const { bid, key, parts } = vector.blob;
			for (const { n, part, sha256: digest, plaintext, aad } of parts) {
				const octets = base64url.decode(part);
				const position = { sid: vector.sid, bid, n, last: aad.endsWith('|last') };
				expect(await sha256(octets)).toBe(digest);
				const gzipped = await openPart(octets, key, position);
				expect(gunzipSync(gzipped).toString('utf8')).toBe(plaintext);
				expect(base64url.encode(await sealPart(gzipped, key, position, octets.subarray(0, 12)))).toBe(part);
			}
		});

		test('the manifest opens for the agent, and its JWS is made the same again', async () => {
			expect(await openManifest(vector.manifest.jwe, agent)).toEqual(vector.manifest.payload);
			const jws = await new CompactSign(new TextEncoder().encode(JSON.stringify(vector.manifest.payload)))
				.setProtectedHeader({ alg: 'HS256', typ: 'satchel-manifest+jws' })
				.sign(base64url.decode(vector.derived.manifest));
			expect(jws).toBe(vector.manifest.jws);
		});
	},
);

async function session() {
	const { pk, sk } = await generateKeyPair();
	return { sid: random(16), pk, sk, secret: random(32) };
}

describe('what was sealed', () => {
	const request = { who: 'Zoë 😀', why: 'a \ud83d b', wants: ['Observation'] };

	test('opens again, escaped surrogates and emoji included', async () => {
		const { request: key } = await deriveKeys(await session());
		expect(await openRequest(await sealRequest(request, key), key)).toEqual(request);
	});

	test('does not open with another key', async () => {
		const [one, two] = await Promise.all([session(), session()].map(async (s) => deriveKeys(await s)));
		await expect(openRequest(await sealRequest(request, one!.request), two!.request)).rejects.toMatchObject({
			code: 'request_invalid',
		});
	});
});

const key = random(32);
const position = { sid: random(16), bid: random(16), n: 3, last: false };
const gzipped = crypto.getRandomValues(new Uint8Array(1000));
const part = await sealPart(gzipped, key, position);

describe('a part', () => {
	test('opens where it belongs', async () => {
		expect(await openPart(part, key, position)).toEqual(gzipped);
	});

	test.each([
		['another session', { sid: random(16) }],
		['another blob', { bid: random(16) }],
		['another place', { n: 4 }],
		['the end', { last: true }],
	])('does not open as one of %s', async (_, change) => {
		await expect(openPart(part, key, { ...position, ...change })).rejects.toMatchObject({ code: 'part_invalid' });
	});

	test.each([0, 11, 12, 500, part.length - 1])('does not open with octet %i altered', async (at) => {
		const altered = part.slice();
		altered[at] = (altered[at] ?? 0) ^ 1;
		await expect(openPart(altered, key, position)).rejects.toMatchObject({ code: 'part_invalid' });
	});

	test.each([0, 12, 27, part.length - 1])('does not open cut to %i octets', async (length) => {
		await expect(openPart(part.slice(0, length), key, position)).rejects.toMatchObject({ code: 'part_invalid' });
	});
});

const agent = await session();
const keys = await deriveKeys(agent);
const source = {
	name: 'A clinic',
	fhirBaseUrl: 'https://ehr.example/fhir',
	patient: { id: 'p1' },
	fetchedAt: '2026-11-22T11:59:00.000Z',
	bid: random(16),
	key: random(32),
	parts: [random(32)],
	bytes: 0,
	resources: 0,
	queries: [],
};
const manifest = {
	v: PROTOCOL_VERSION,
	sid: agent.sid,
	sentAt: '2026-11-22T12:00:00.000Z',
	redaction: null,
	sources: [source],
} as const;
const jwe = await sealManifest({ ...manifest, sources: [source] }, agent.pk, keys);

describe('a manifest', () => {
	test('opens for the agent it was sealed to', async () => {
		expect(await openManifest(jwe, agent)).toEqual(manifest);
	});

	test('carries what became of each query, and of a newer sender only what is known here', async () => {
		const read = { query: 'Observation?patient=p1', status: 'ok', count: 4, pages: 2, ms: 812 } as const;
		const kept = {
			query: 'Condition?patient=p1',
			status: 'failed',
			count: 2,
			reason: 'timeout',
			keptFrom: '2026-11-19T08:00:00.000Z',
		} as const;
		const full = { ...source, fhirVersion: '4.0.1', queries: [read, kept] };
		const newer = { ...full, later: 1, queries: [{ ...read, later: true }, kept] };
		const sealed = await sealManifest({ ...manifest, sources: [newer] }, agent.pk, keys);
		expect(await openManifest(sealed, agent)).toEqual({ ...manifest, sources: [full] });
	});

	test.each([
		['pages that are no count', { pages: -1 }],
		['a time that is no number', { ms: '12' }],
		['an endless keptFrom', { keptFrom: 'x'.repeat(41) }],
		['a status that is none', { status: 'unknown' }],
	])('is refused with %s', async (_, change) => {
		const query = { query: 'Observation', status: 'ok', count: 1, ...change } as (typeof source.queries)[number];
		const sealed = await sealManifest({ ...manifest, sources: [{ ...source, queries: [query] }] }, agent.pk, keys);
		await expect(openManifest(sealed, agent)).rejects.toMatchObject({ code: 'manifest_invalid' });
	});

	test('does not open for another agent, or for the same key in another session', async () => {
		await expect(openManifest(jwe, await session())).rejects.toMatchObject({ code: 'manifest_invalid' });
		await expect(openManifest(jwe, { ...agent, sid: random(16) })).rejects.toMatchObject({ code: 'manifest_invalid' });
	});

	test('is refused from somebody who knows pk but did not hold the link', async () => {
		const guessed = await deriveKeys({ ...agent, secret: random(32) });
		const forged = await sealManifest({ ...manifest, sources: [source] }, agent.pk, guessed);
		await expect(openManifest(forged, agent)).rejects.toMatchObject({ code: 'manifest_invalid' });
	});

	test('is refused when it speaks of another session than the one it is sealed for', async () => {
		const other = await session();
		const swapped = await sealManifest({ ...manifest, sid: other.sid, sources: [source] }, agent.pk, keys);
		await expect(openManifest(swapped, agent)).rejects.toMatchObject({ code: 'manifest_invalid' });
	});

	test('cannot be sealed to an all-zero key', async () => {
		const zero = base64url.encode(new Uint8Array(32));
		await expect(sealManifest({ ...manifest, sources: [source] }, zero, keys)).rejects.toMatchObject({
			code: 'key_invalid',
		});
	});
});
