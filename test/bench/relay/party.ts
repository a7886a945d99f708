/** The two ends of one session, as far as a relay can tell: octets in place of what is sealed. */
import { createHash, randomBytes } from 'node:crypto';
import { routes } from '../../../relay/contract.js';
import type { Answer, Client } from './http.js';
import type { Latencies } from './latencies.js';

const random = (octets: number) => randomBytes(octets).toString('base64url');
const hashOf = (token: string) => createHash('sha256').update(Buffer.from(token, 'base64url')).digest('base64url');

export const sha256 = (octets: Uint8Array) => createHash('sha256').update(octets).digest('base64');

/** Octets with their digest, made beforehand: clients are not what is measured. */
export interface Parcel {
	octets: Uint8Array;
	/** base64 */
	digest: string;
}

export function parcel(bytes: number): Parcel {
	const octets = randomBytes(bytes);
	return { octets, digest: sha256(octets) };
}

export class Party {
	readonly sid = random(16);
	readonly bid = random(16);
	readonly #read = random(32);
	readonly #write = random(32);
	readonly #owner = random(32);
	readonly #manifest = jwe();

	/** @param client of the relay that is spoken to; another one on the same store may take its place at any time */
	constructor(
		public client: Client,
		private readonly latencies?: Latencies,
	) {}

	create(expiresIn = 3600): Promise<Answer> {
		const body = JSON.stringify({ readHash: hashOf(this.#read), writeHash: hashOf(this.#write), expiresIn });
		return this.#timed('PUT session', {
			method: 'PUT',
			path: routes.session(this.sid),
			headers: { 'content-type': 'application/json' },
			body,
		});
	}

	claim(): Promise<Answer> {
		return this.#timed('POST claim', {
			method: 'POST',
			path: routes.claim(this.sid),
			token: this.#write,
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify({ ownerHash: hashOf(this.#owner) }),
		});
	}

	put(n: number, { octets, digest }: Parcel): Promise<Answer> {
		return this.#timed('PUT part', {
			method: 'PUT',
			path: routes.part(this.sid, this.bid, n),
			token: this.#owner,
			headers: this.partHeaders(digest),
			body: octets,
		});
	}

	partHeaders(digest: string): Record<string, string> {
		return { 'content-digest': `sha-256=:${digest}:` };
	}

	/** A request of a part as it goes over a socket, without its body. */
	head(method: 'GET' | 'PUT', n: number, { octets, digest }: Parcel): string {
		const lines = [
			`${method} ${routes.part(this.sid, this.bid, n)} HTTP/1.1`,
			'Host: localhost',
			`Authorization: Bearer ${method === 'PUT' ? this.#owner : this.#read}`,
			...(method === 'PUT' ? [`Content-Length: ${octets.length}`, `Content-Digest: sha-256=:${digest}:`] : []),
		];
		return `${lines.join('\r\n')}\r\n\r\n`;
	}

	list(): Promise<Answer> {
		return this.#timed('GET blobs', { method: 'GET', path: routes.blobs(this.sid), token: this.#read });
	}

	get(n: number): Promise<Answer> {
		return this.#timed('GET part', { method: 'GET', path: routes.part(this.sid, this.bid, n), token: this.#read });
	}

	send(manifest = this.#manifest): Promise<Answer> {
		return this.#timed('PUT manifest', {
			method: 'PUT',
			path: routes.manifest(this.sid),
			token: this.#owner,
			headers: { 'content-type': 'application/jose' },
			body: manifest,
		});
	}

	/** A poll's time is the other end's doing, and counted nowhere. */
	wait(seconds: number, signal?: AbortSignal): Promise<Answer> {
		const path = `${routes.manifest(this.sid)}?wait=${seconds}`;
		return this.client.call({ method: 'GET', path, token: this.#read, ...(signal && { signal }) });
	}

	info(): Promise<Answer> {
		return this.#timed('GET session', { method: 'GET', path: routes.session(this.sid), token: this.#read });
	}

	end(): Promise<Answer> {
		return this.#timed('DELETE session', { method: 'DELETE', path: routes.session(this.sid), token: this.#read });
	}

	async #timed(route: string, call: Parameters<Client['call']>[0]): Promise<Answer> {
		const started = performance.now();
		const answer = await this.client.call(call);
		this.latencies?.add(route, performance.now() - started);
		return answer;
	}
}

/** Looks like one; a relay cannot know more. */
export function jwe(): string {
	return `${random(40)}..${random(12)}.${random(600)}.${random(16)}`;
}

/** @throws with route and status, unless the answer has one of these */
export function expectStatus(what: string, { status, body }: Answer, ...wanted: number[]): void {
	if (!wanted.includes(status)) throw new Error(`${what}: ${status} ${body.toString('utf8').slice(0, 200)}`);
}
