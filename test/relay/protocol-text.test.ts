/** The protocol's text says what the code does, and the code does nothing that the text does not say. */
import { createHash, hkdfSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import * as contract from '../../relay/contract.js';
import { LIMITS, relayErrors, routes, waitHeaders } from '../../relay/contract.js';
import { openPart, sealManifest } from '../../relay/envelope.js';
import { setUp } from './server/support.js';

const text = readFileSync(new URL('../../relay/PROTOCOL.md', import.meta.url), 'utf8');
const vector = JSON.parse(readFileSync(new URL('../vectors/session-v1.json', import.meta.url), 'utf8'));
const octetsOf = (value: string) => Buffer.from(value, 'base64url');

/** The rows of the table whose first column has that heading, as cells. */
function table(heading: string): string[][] {
	const rows = text.split('\n').map((line) => line.split('|').slice(1, -1));
	const at = rows.findIndex(([first]) => first?.trim() === heading);
	expect(at, `a table of ${heading}`).toBeGreaterThan(0);
	const end = rows.findIndex((cells, i) => i > at && cells.length === 0);
	return rows.slice(at + 2, end).map((cells) => cells.map((cell) => cell.trim()));
}

/** What stands in backticks. */
const quoted = (cell = '') => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name!);

test('every error code and its status', () => {
	const told = table('code').map(([code, status]) => [quoted(code)[0], Number(status)]);
	expect(Object.fromEntries(told)).toEqual(relayErrors);
	expect(told).toHaveLength(Object.keys(relayErrors).length);
});

test('every limit', () => {
	const told = table('limit').map(([name, most]) => [quoted(name)[0], Number(most?.replaceAll(',', ''))]);
	expect(Object.fromEntries(told)).toEqual(LIMITS);
	expect(text).toContain(`and ${LIMITS.waitSeconds} s at most`);
});

test('every member of every body', () => {
	const shapes = contract as unknown as Record<string, { entries: Record<string, { type: string }> }>;
	const bodies = table('body');
	expect(bodies.length).toBeGreaterThan(8);
	for (const [name, members] of bodies) {
		const { entries } = shapes[quoted(name)[0]!]!;
		const known = Object.entries(entries).map(([member, { type }]) => member + (type === 'optional' ? '?' : ''));
		expect(quoted(members), name).toEqual(known);
	}
	for (const state of contract.SessionState.options) expect(text).toContain(`\`${state}\``);
	for (const status of contract.QueryReport.entries.status.options) expect(text).toContain(`\`${status}\``);
	for (const header of Object.values(waitHeaders)) expect(text).toContain(`\`${header}\``);
});

describe('every route', () => {
	const told = table('request').map(([request]) => quoted(request)[0]!.split(' ') as [string, string]);
	const beside = [...text.slice(text.indexOf('## Beside it')).matchAll(/`([A-Z]+) ([^`]+)`/g)];
	const names = ['{sid}', '{bid}', '{n}'] as const;

	test('has its path', () => {
		const known = Object.values(routes).map((route) =>
			typeof route === 'string' ? route : (route as (...names: string[]) => string)(...names),
		);
		const paths = [...told, ...beside.map(([, method, path]) => [method, path])].map(([, path]) => path);
		expect([...new Set(paths)].sort()).toEqual(known.sort());
	});

	test('takes its methods, and no other', async () => {
		const { call } = await setUp();
		const answered = async (method: string, path: string) => {
			const answer = await call(method, path.replace('{sid}', 'a').replace('{bid}', 'b').replace('{n}', '0'));
			return (await answer.json()).code !== 'not_found';
		};
		for (const path of new Set(told.map(([, path]) => path))) {
			for (const method of ['GET', 'PUT', 'POST', 'DELETE', 'PATCH']) {
				const listed = told.some(([one, other]) => one === method && other === path);
				expect(await answered(method, path), `${method} ${path}`).toBe(listed);
			}
		}
	});
});

describe('the worked example, recomputed from the text', () => {
	const salt = octetsOf(vector.sid);
	const derive = (info: Buffer, octets: number) =>
		Buffer.from(hkdfSync('sha256', octetsOf(vector.S), salt, info, octets));

	test('has the keys that S derives to', () => {
		const rows = table('info');
		const derived = rows.map(([info, then, octets]) => {
			const [label] = quoted(info);
			const more = then ? octetsOf(vector[quoted(then)[0]!]) : Buffer.alloc(0);
			const key = derive(Buffer.concat([Buffer.from(label!), more]), Number(octets));
			const name = label!.split(' ')[1]!;
			return [
				name,
				name === 'code' ? String(key.readUInt32BE() % 1_000_000).padStart(6, '0') : key.toString('base64url'),
			];
		});
		expect(Object.fromEntries(derived)).toEqual(vector.derived);
	});

	test('has the additional data of its parts, and the nonce and tag where they are said to be', async () => {
		const [, form] = /aad\s+= UTF-8 of\s+(\S+)/.exec(text)!;
		for (const { n, aad, part } of vector.blob.parts) {
			const { sid } = vector;
			const { bid, key } = vector.blob;
			const last = n === vector.blob.parts.length - 1;
			const made = form!.replace('<sid>', sid).replace('<bid>', bid).replace('<n>', n);
			expect(last ? made.replace('|more', '|last') : made).toBe(aad);
			const opened = await openPart(octetsOf(part), key, { sid, bid, n, last });
			const [, nonce] = /nonce \((\d+) random octets\)/.exec(text)!;
			const [, tag] = /tag of (\d+) octets/.exec(text)!;
			expect(octetsOf(part).length).toBe(Number(nonce) + opened.length + Number(tag));
		}
	});

	test('has a manifest and a request with the headers that are written there', async () => {
		const headerOf = (token: string) => JSON.parse(octetsOf(token.split('.')[0]!).toString());
		const written = [...text.matchAll(/`(\{"alg".*?\})`/g)].map(([, json]) => json!);
		const [request, jws, jwe] = written.map((json) => JSON.parse(json.replaceAll('…', '"…"')));
		expect(headerOf(vector.request.jwe)).toEqual(request);
		expect(headerOf(vector.manifest.jws)).toEqual(jws);
		const apv = createHash('sha256').update(salt).digest('base64url');
		const ours = await sealManifest(vector.manifest.payload, vector.pk, vector.derived);
		for (const token of [vector.manifest.jwe, ours]) {
			const header = headerOf(token);
			expect(Object.keys(header).sort()).toEqual(Object.keys(jwe).sort());
			expect(header).toMatchObject({ alg: jwe.alg, enc: jwe.enc, typ: jwe.typ, kid: vector.kid, apv });
		}
	});
});
