import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { routes } from '../../../relay/contract.js';
import type { Clock } from '../../../relay/server/clock.js';
import { configFromEnvironment, type RelayConfig, relayConfig } from '../../../relay/server/config/config.js';
import { ConfigError } from '../../../relay/server/config/config-error.js';
import { memoryCounters } from '../../../relay/server/counters.js';
import type { Log } from '../../../relay/server/deps.js';
import { createRelay } from '../../../relay/server/handler.js';
import { openDiskStore } from '../../../relay/server/store/disk/disk.js';

/** What a relay that is configured in no other way takes for its own. */
export const ORIGIN = 'http://localhost:8787';

export const random = (octets: number) => randomBytes(octets).toString('base64url');
export const sha256 = (data: Uint8Array | string) => createHash('sha256').update(data).digest('base64url');
export const tokenHash = (token: string) => sha256(Buffer.from(token, 'base64url'));

/** A directory that goes with the test. */
export function temporaryDirectory(): string {
	const directory = mkdtempSync(join(tmpdir(), 'satchel-relay-'));
	onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
	return directory;
}

/** A file that goes with the test: JSON, or a text as it is. */
export function file(content: unknown): string {
	const path = join(temporaryDirectory(), 'file.json');
	writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
	return path;
}

/** What is wrong with an environment. */
export function configErrorOf(environment: Record<string, string>): ConfigError {
	try {
		configFromEnvironment(environment);
	} catch (cause) {
		if (cause instanceof ConfigError) return cause;
		throw cause;
	}
	throw new Error('nothing was wrong');
}

/** Time stands still until it is advanced. */
export class ManualClock implements Clock {
	timers = new Set<{ at: number; run: () => void }>();
	constructor(public time = Date.parse('2026-11-22T12:00:00Z')) {}
	now() {
		return this.time;
	}
	atLeast(time: number) {
		this.time = Math.max(this.time, time);
	}
	after(ms: number, run: () => void) {
		const timer = { at: this.time + ms, run };
		this.timers.add(timer);
		return () => void this.timers.delete(timer);
	}
	advance(ms: number) {
		this.time += ms;
		for (const timer of [...this.timers]) {
			if (timer.at > this.time) continue;
			this.timers.delete(timer);
			timer.run();
		}
	}
}

/** Lets everything that can run do so until the condition holds. */
export async function eventually(condition: () => boolean): Promise<void> {
	for (let turn = 0; turn < 10_000; turn++) {
		if (condition()) return;
		await new Promise((resolve) => setImmediate(resolve));
	}
	throw new Error('the condition never held');
}

export interface LogLine {
	fields: Record<string, unknown>;
	text: string;
}

/** A log that is kept. */
export function recorder(): { lines: LogLine[]; log: Log } {
	const lines: LogLine[] = [];
	const record = (fields: object, text: string) => void lines.push({ fields: { ...fields }, text });
	return { lines, log: { info: record, warn: record, error: record } };
}

/** A relay on a store of its own, without a socket. */
export async function setUp(given: Partial<RelayConfig> = {}) {
	const directory = given.dataDir ?? temporaryDirectory();
	const clock = new ManualClock();
	const { lines, log } = recorder();
	const config = relayConfig({ appDir: join(directory, 'no-app'), sessionsPerMinute: 10_000, ...given });
	const stopping = new AbortController();
	const store = await openDiskStore({
		directory,
		clock,
		uploadsPerSession: config.uploadsPerSession,
		uploads: config.uploads,
		minFreeBytes: given.minFreeBytes ?? 0,
	});
	onTestFinished(() => store.close());
	const counters = memoryCounters(clock);
	const relay = createRelay({ store, counters, config, log, clock, stopping: stopping.signal });

	const call: Call = async (method, path, init = {}) => {
		const headers = new Headers(init.headers);
		if (init.token) headers.set('Authorization', `Bearer ${init.token}`);
		const body = init.json === undefined ? init.body : JSON.stringify(init.json);
		const request = new Request(ORIGIN + path, {
			method,
			headers,
			...(body !== undefined && { body, duplex: 'half' }),
			...(init.signal && { signal: init.signal }),
		} as RequestInit);
		return relay(request, { address: init.address ?? '192.0.2.1' });
	};

	return { relay, store, counters, clock, lines, config, directory, stopping, call };
}

export type Setup = Awaited<ReturnType<typeof setUp>>;

export type Call = (method: string, path: string, init?: CallOptions) => Promise<Response>;

interface CallOptions {
	token?: string;
	json?: unknown;
	body?: BodyInit;
	headers?: HeadersInit;
	signal?: AbortSignal;
	address?: string;
}

export async function expectProblem(response: Response, status: number, code: string) {
	const body: unknown = await response.json();
	expect({ status: response.status, body }).toMatchObject({ status, body: { status, code } });
	expect(response.headers.get('Content-Type')).toBe('application/problem+json');
	expect((body as { correlationId: string }).correlationId).toMatch(/^[0-9a-f-]{36}$/);
}

/** The three parties of one session, and what they call. */
export function party({ call }: { call: Call }, sid = random(16)) {
	const [read, write, owner] = [random(32), random(32), random(32)];
	const body = { readHash: tokenHash(read), writeHash: tokenHash(write), expiresIn: 600 };
	return {
		sid,
		read,
		write,
		owner,
		body,
		create: (more: object = {}, address?: string) =>
			call('PUT', routes.session(sid), { json: { ...body, ...more }, ...(address && { address }) }),
		info: (token: string) => call('GET', routes.session(sid), { token }),
		claim: (by = owner, token = write) =>
			call('POST', routes.claim(sid), { token, json: { ownerHash: tokenHash(by) } }),
		put: (bid: string, n: number, octets: Uint8Array, token = owner) =>
			call('PUT', routes.part(sid, bid, n), {
				token,
				body: octets as Uint8Array<ArrayBuffer>,
				headers: partHeaders(octets),
			}),
		list: (token: string) => call('GET', routes.blobs(sid), { token }),
		get: (bid: string, n: number, token = read) => call('GET', routes.part(sid, bid, n), { token }),
		send: (manifest = jwe(), token = owner) =>
			call('PUT', routes.manifest(sid), { token, body: manifest, headers: { 'Content-Type': 'application/jose' } }),
		wait: (seconds?: number, token = read, signal?: AbortSignal) =>
			call('GET', routes.manifest(sid) + (seconds === undefined ? '' : `?wait=${seconds}`), {
				token,
				...(signal && { signal }),
			}),
		end: (token = read) => call('DELETE', routes.session(sid), { token }),
	};
}

export type Party = ReturnType<typeof party>;

export async function claimed(setup: { call: Call }, more: object = {}) {
	const session = party(setup);
	await session.create(more);
	await session.claim();
	return session;
}

export function partHeaders(octets: Uint8Array): Record<string, string> {
	const digest = createHash('sha256').update(octets).digest('base64');
	return { 'Content-Length': String(octets.length), 'Content-Digest': `sha-256=:${digest}:` };
}

/** Looks like a JWE compact; the relay cannot know more. */
export function jwe(ciphertext = random(64)): string {
	return `${random(40)}..${random(12)}.${ciphertext}.${random(16)}`;
}
