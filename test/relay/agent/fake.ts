/** What the agent's tests need around it: a relay in memory, a wallet, a clock, and a folder. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterEach } from 'vitest';
import type { CAPS } from '../../../relay/agent/caps.js';
import { follow } from '../../../relay/agent/delivery/receive.js';
import type { World } from '../../../relay/agent/exchange.js';
import { sessionFile, writeSessionFile } from '../../../relay/agent/keyfile.js';
import { type AgentSession, createSession } from '../../../relay/agent/session.js';
import type { BlobList, Manifest, QueryReport, SessionState } from '../../../relay/contract.js';
import { deriveKeys, random, sealManifest, sealPart, sha256, tokenHash } from '../../../relay/envelope.js';
import type { SessionLink } from '../../../relay/link.js';

export const RELAY = 'https://relay.example';

interface Stored {
	readHash: string;
	writeHash: string;
	request: string | undefined;
	state: SessionState | 'gone';
	/** `bid/n` → sealed octets. */
	parts: Map<string, Uint8Array>;
	manifest: string | null;
}

export function problem(status: number, code: string, headers: Record<string, string> = {}): Response {
	return new Response(JSON.stringify({ title: code, status, code, correlationId: 'c0' }), {
		status,
		headers: { 'content-type': 'application/problem+json', ...headers },
	});
}

/** The agent's side of the protocol; the wallet's side is reached through `sessions`. */
export class FakeRelay {
	readonly sessions = new Map<string, Stored>();
	/** `GET /api/…`, in order. */
	readonly log: string[] = [];
	/** Answers, or throws, in the relay's place. */
	intercept: (request: Request) => Response | undefined | Promise<Response | undefined> = () => undefined;
	now: () => number = () => 0;

	readonly fetch = async (request: Request): Promise<Response> => {
		const { pathname, search } = new URL(request.url);
		this.log.push(`${request.method} ${pathname}${search}`);
		request.signal.throwIfAborted();
		const answer = async () =>
			(await this.intercept(request)) ?? (await this.#answer(request, pathname.split('/').slice(3)));
		// As on a socket: who gives up does not wait for an answer.
		const aborted = new Promise<never>((_, reject) => {
			request.signal.addEventListener('abort', () => reject(request.signal.reason), { once: true });
		});
		return Promise.race([answer(), aborted]);
	};

	async #answer(request: Request, [sid = '', what, bid, n]: string[]): Promise<Response> {
		if (request.method === 'PUT' && !what) return this.#create(sid, await request.json());
		const stored = this.sessions.get(sid);
		const token = request.headers.get('authorization')?.replace('Bearer ', '') ?? '';
		if (!stored || (await tokenHash(token)) !== stored.readHash) return problem(404, 'session_not_found');
		if (stored.state === 'gone') return problem(410, 'session_gone');
		if (request.method === 'DELETE') {
			stored.state = 'gone';
			stored.parts.clear();
			return new Response(null, { status: 204 });
		}
		if (what === 'manifest') {
			if (stored.manifest) return new Response(stored.manifest, { headers: { 'content-type': 'application/jose' } });
			const bytes = [...stored.parts.values()].reduce((sum, part) => sum + part.length, 0);
			const headers = {
				'session-state': stored.state,
				'session-parts': String(stored.parts.size),
				'session-bytes': String(bytes),
			};
			return new Response(null, { status: 204, headers });
		}
		if (what === 'blobs' && !bid) {
			const blobs: BlobList['blobs'] = {};
			for (const [name, { length }] of stored.parts) {
				const [of = '', number] = name.split('/');
				blobs[of] = [...(blobs[of] ?? []), { n: Number(number), bytes: length }];
			}
			return Response.json({ blobs });
		}
		const part = stored.parts.get(`${bid}/${n}`);
		return part ? new Response(part as Uint8Array<ArrayBuffer>) : problem(404, 'part_not_found');
	}

	#create(sid: string, body: { readHash: string; writeHash: string; expiresIn: number; request?: string }): Response {
		const { readHash, writeHash, request } = body;
		if (!this.sessions.has(sid))
			this.sessions.set(sid, { readHash, writeHash, request, state: 'open', parts: new Map(), manifest: null });
		const expiresAt = new Date(this.now() + body.expiresIn * 1000).toISOString();
		return Response.json({ expiresAt, maxBytes: 1e9, partBytes: 1e7 }, { status: 201 });
	}
}

/** One source to send: each string of `segments` becomes a part. */
export interface Sent {
	name?: string;
	segments: (string | Uint8Array)[];
	queries?: QueryReport[];
	fhirVersion?: string;
	/** In place of gzip. */
	pack?: (segment: Uint8Array) => Uint8Array;
}

/** Seals `sources` as a wallet would. Gives the parts and the manifest before it is sealed, to be spoilt by tests. */
export async function seal(link: SessionLink, sources: Sent[]) {
	const parts = new Map<string, Uint8Array>();
	const manifest: Manifest = { v: 1, sid: link.sid, sentAt: '2026-11-22T12:00:00.000Z', redaction: null, sources: [] };
	for (const { name = 'Example Clinic', segments, queries = [], fhirVersion, pack = gzipSync } of sources) {
		const bid = random(16);
		const key = random(32);
		const octets = segments.map((segment) => Buffer.from(segment));
		const digests: string[] = [];
		for (const [n, segment] of octets.entries()) {
			const last = n === octets.length - 1;
			const part = await sealPart(pack(segment), key, { sid: link.sid, bid, n, last });
			parts.set(`${bid}/${n}`, part);
			digests.push(await sha256(part));
		}
		const whole = Buffer.concat(octets);
		manifest.sources.push({
			name,
			fhirBaseUrl: 'https://ehr.example/fhir/r4',
			patient: { id: 'p1', name: 'Zoë Núñez', birthDate: '1970-01-02' },
			fetchedAt: '2026-11-22T11:59:00.000Z',
			...(fhirVersion !== undefined && { fhirVersion }),
			bid,
			key,
			parts: digests,
			bytes: whole.length,
			resources: whole.toString('latin1').split('\n').filter(Boolean).length,
			queries,
		});
	}
	return { parts, manifest };
}

export type Sealed = Awaited<ReturnType<typeof seal>>;

/** Time passes only when somebody sleeps; then the next of `steps` happens. */
export class Stage {
	readonly relay = new FakeRelay();
	readonly out = temporaryFolder();
	readonly slept: number[] = [];
	steps: (() => unknown)[] = [];
	/** What the first step threw that failed; it interrupts the agent. */
	failed: unknown;
	clock = Date.parse('2026-11-22T12:00:00.000Z');
	readonly stop = new AbortController();
	readonly world: World = {
		fetch: this.relay.fetch,
		now: () => this.clock,
		sleep: async (milliseconds, signal) => {
			this.slept.push(milliseconds);
			this.clock += milliseconds;
			try {
				await this.steps.shift()?.();
			} catch (error) {
				this.failed ??= error;
				this.stop.abort();
			}
			signal?.throwIfAborted();
		},
		signal: this.stop.signal,
	};

	constructor() {
		this.relay.now = () => this.clock;
	}

	/** A session without a session file. */
	open(): Promise<AgentSession> {
		return createSession({ relay: RELAY, who: 'Helper', why: 'To prepare' }, this.world);
	}

	/** The wallet's whole part; `spoil` comes before the manifest is sealed, and may change the parts. */
	async send(link: SessionLink, sources: Sent[], spoil: (sealed: Sealed) => unknown = () => {}): Promise<void> {
		const sealed = await seal(link, sources);
		await spoil(sealed);
		await this.finish(link, sealed, () => this.upload(link, sealed));
	}

	/** Puts those of the parts to the relay that `which` names. */
	upload({ sid }: SessionLink, { parts }: Sealed, which: (n: number) => boolean = () => true): void {
		const stored = this.relay.sessions.get(sid);
		if (stored?.state === 'open') stored.state = 'claimed';
		for (const [name, part] of parts) if (which(Number(name.split('/')[1]))) stored?.parts.set(name, part);
	}

	/** Seals and sends the manifest; `first` happens in the same instant. */
	async finish(link: SessionLink, { manifest }: Sealed, first: () => unknown = () => {}): Promise<void> {
		const stored = this.relay.sessions.get(link.sid);
		const keys = await deriveKeys(link);
		if (stored?.writeHash !== (await tokenHash(keys.write))) throw new Error('no session for this link');
		const jwe = await sealManifest(manifest, link.pk, keys);
		first();
		stored.manifest = jwe;
		stored.state = 'sent';
	}

	/** What is in the output folder, hidden files included. */
	left(): string[] {
		return readdirSync(this.out).sort();
	}

	read(path: string): string {
		return readFileSync(join(this.out, path), 'utf8');
	}

	json(path: string) {
		return JSON.parse(this.read(path));
	}

	mode(path: string): number {
		return statSync(join(this.out, path)).mode & 0o777;
	}
}

const folders: string[] = [];
afterEach(() => {
	for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** Mode 0700; gone after the test. */
export function temporaryFolder(): string {
	const folder = mkdtempSync(join(tmpdir(), 'satchel-agent-'));
	folders.push(folder);
	return folder;
}

export async function all<T, R>(events: AsyncGenerator<T, R, void>): Promise<{ events: T[]; result: R }> {
	const seen: T[] = [];
	for (;;) {
		const { done, value } = await events.next();
		if (done) return { events: seen, result: value };
		seen.push(value);
	}
}

/** Waits for what files and sockets bring about. */
export async function until(condition: () => boolean): Promise<void> {
	for (let turn = 0; turn < 4000; turn++) {
		if (condition()) return;
		await delay(5);
	}
	throw new Error('the condition never held');
}

/** A session with its file in place. */
export async function stage() {
	const stage = new Stage();
	const session = await stage.open();
	const file = sessionFile(stage.out);
	await writeSessionFile(file, session);
	const run = (options: { force?: boolean; caps?: typeof CAPS } = {}) =>
		all(follow(session, { out: stage.out, sessionFile: file, world: stage.world, ...options })).catch((error) => {
			throw stage.failed ?? error;
		});
	return { stage, session, file, run };
}

/** What is left after a failure that another try could mend. */
export const HELD = ['.satchel-session.json'];
