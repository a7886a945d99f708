/** The MCP server as a child process, a relay on a socket, and a wallet that answers over HTTP. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import type { RequestOptions } from '@modelcontextprotocol/sdk/shared/protocol.js';
import { expect } from 'vitest';
import { routes } from '../../../relay/contract.js';
import { deriveKeys, random, sealManifest, tokenHash } from '../../../relay/envelope.js';
import { parseLink } from '../../../relay/link.js';
import { relayConfig } from '../../../relay/server/config/config.js';
import { startRelay } from '../../../relay/server/serve.js';
import { builtAgent } from './built.js';
import { type Sealed, type Sent, seal } from './fake.js';

/** What a file of tests uses, and ends. */
export class Bench {
	readonly folder = mkdtempSync(join(tmpdir(), 'satchel-mcp-'));
	readonly #ends: (() => unknown)[] = [];
	readonly #served: Served[] = [];
	#folders = 0;
	agent = '';
	relay = '';

	/** Bundles the agent and starts a relay. */
	async start(): Promise<void> {
		this.agent = await builtAgent(this.folder);
		const config = relayConfig({ host: '127.0.0.1', port: 0, dataDir: join(this.folder, 'relay'), appDir: '/no/app' });
		const relay = await startRelay({ ...config, sessionsPerMinute: 1000 });
		this.#ends.push(() => relay.close());
		this.relay = relay.origin;
	}

	/** Ends every server. */
	async disconnect(): Promise<void> {
		await Promise.all(this.#served.splice(0).map((served) => served.close()));
	}

	/** Last first. */
	async end(): Promise<void> {
		await this.disconnect();
		for (const end of this.#ends.splice(0).reverse()) await end();
		rmSync(this.folder, { recursive: true, force: true });
	}

	/** A folder that is not there yet. */
	out(): string {
		return join(this.folder, `out-${++this.#folders}`);
	}

	/** @param relay by default the relay of the bench */
	async connect(out: string, relay = this.relay): Promise<Served> {
		const args = [this.agent, 'mcp', '--relay', relay, '--out', out];
		const transport = new StdioClientTransport({ command: process.execPath, args, stderr: 'pipe' });
		const served = new Served(transport, out);
		this.#served.push(served);
		await served.client.connect(transport);
		return served;
	}

	/** An address that passes everything on to the relay, but for what `hold` names: that is never answered. */
	async holding(hold: (method: string, path: string) => boolean): Promise<string> {
		const server = createServer(async (incoming, outgoing) => {
			const { method = 'GET', url = '/', headers } = incoming;
			if (hold(method, url)) return;
			const answer = await fetch(this.relay + url, {
				method,
				headers: headers as Record<string, string>,
				...(method !== 'GET' && method !== 'DELETE' && { body: Readable.toWeb(incoming), duplex: 'half' }),
			} as RequestInit);
			outgoing.writeHead(answer.status, Object.fromEntries(answer.headers));
			outgoing.end(Buffer.from(await answer.arrayBuffer()));
		});
		await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
		this.#ends.push(() => {
			server.closeAllConnections();
			return new Promise((done) => server.close(done));
		});
		return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	}
}

export interface Told {
	/** All blocks. */
	text: string;
	/** What the first block says: a page. */
	page: string;
	next: string | undefined;
	isError: boolean;
	// biome-ignore lint/suspicious/noExplicitAny: the schemas of the tools are checked by the client
	state: any;
}

/** One client and its server. */
export class Served {
	readonly client = new Client({ name: 'test', version: '1' });
	/** Whatever came on stdout that is not of the protocol, and all of stderr. */
	readonly noise: string[] = [];

	constructor(
		readonly transport: StdioClientTransport,
		readonly out: string,
	) {
		this.client.onerror = (error) => this.noise.push(error.message);
		transport.stderr?.on('data', (data) => this.noise.push(String(data)));
	}

	async call(name: string, args: Record<string, unknown> = {}, options?: RequestOptions): Promise<Told> {
		const result = await this.client.callTool({ name, arguments: args }, undefined, options);
		const blocks = (result.content as { type: string; text: string }[]).map(({ text }) => text);
		const next = /and next: (".*")$/s.exec(blocks[1] ?? '')?.[1];
		return {
			text: blocks.join('\n'),
			page: blocks[0] ?? '',
			next: next && JSON.parse(next),
			isError: result.isError === true,
			state: result.structuredContent,
		};
	}

	/** Every page of an answer. */
	async pages(name: string, args: Record<string, unknown> = {}): Promise<string[]> {
		const pages: string[] = [];
		for (let next: string | undefined; ; ) {
			const told = await this.call(name, { ...args, ...(next !== undefined && { next }) });
			expect(told.isError, told.text).toBe(false);
			pages.push(told.page);
			next = told.next;
			if (next === undefined) return pages;
		}
	}

	async all(name: string, args: Record<string, unknown> = {}): Promise<string> {
		return (await this.pages(name, args)).join('\n');
	}

	/** Asks, and gives the wallet that opens the link. */
	async ask(more: Record<string, unknown> = {}): Promise<Wallet> {
		const { state, isError, text } = await this.call('request_records', { who: 'Helper', why: 'To prepare', ...more });
		expect(isError, text).toBe(false);
		return new Wallet(state.link);
	}

	async close(): Promise<void> {
		await this.client.close();
	}
}

/** The other end: a wallet over HTTP. */
export class Wallet {
	readonly link;
	readonly #owner = random(32);

	constructor(readonly url: string) {
		this.link = parseLink(url);
	}

	async claim(): Promise<void> {
		const { write } = await deriveKeys(this.link);
		const body = JSON.stringify({ ownerHash: await tokenHash(this.#owner) });
		await this.#call('POST', routes.claim(this.link.sid), write, body, { 'content-type': 'application/json' });
	}

	async upload({ parts }: Sealed): Promise<void> {
		for (const [name, part] of parts) {
			const [bid = '', n] = name.split('/');
			const digest = createHash('sha256').update(part).digest('base64');
			const headers = { 'content-digest': `sha-256=:${digest}:` };
			await this.#call('PUT', routes.part(this.link.sid, bid, Number(n)), this.#owner, part, headers);
		}
	}

	async finish({ manifest }: Sealed): Promise<void> {
		const jwe = await sealManifest(manifest, this.link.pk, await deriveKeys(this.link));
		await this.#call('PUT', routes.manifest(this.link.sid), this.#owner, jwe, { 'content-type': 'application/jose' });
	}

	/** All of it. */
	async send(sources: Sent[]): Promise<void> {
		const sealed = await seal(this.link, sources);
		await this.claim();
		await this.upload(sealed);
		await this.finish(sealed);
	}

	/** What the relay answers to somebody who opens the link. */
	async status(): Promise<number> {
		const { write } = await deriveKeys(this.link);
		const headers = { authorization: `Bearer ${write}` };
		return (await fetch(this.#address(routes.session(this.link.sid)), { headers })).status;
	}

	#address(path: string): string {
		return new URL(path, this.url).href;
	}

	async #call(method: string, path: string, token: string, body: string | Uint8Array, headers: Record<string, string>) {
		const answer = await fetch(this.#address(path), {
			method,
			headers: { ...headers, authorization: `Bearer ${token}` },
			body: body as Uint8Array<ArrayBuffer>,
		});
		if (!answer.ok) throw new Error(`${method} gave ${answer.status}`);
	}
}

/** What is in a folder and below, hidden files included; nothing where there is none. */
export function below(folder: string): string[] {
	try {
		return readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
	} catch {
		return [];
	}
}
