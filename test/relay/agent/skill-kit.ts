/** What the tests of the skill share: the built skill, its zip unpacked, its script as a process, and a wallet over HTTP. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { unzipSync } from 'fflate';
import { routes } from '../../../relay/contract.js';
import { deriveKeys, random, sealManifest, tokenHash } from '../../../relay/envelope.js';
import { parseLink } from '../../../relay/link.js';
import { type Sent, seal } from './fake.js';

export function unpack(zip: Uint8Array, folder: string): void {
	for (const [name, octets] of Object.entries(unzipSync(zip))) {
		mkdirSync(dirname(join(folder, name)), { recursive: true });
		writeFileSync(join(folder, name), octets);
	}
}

/** The mode of each entry, as the central directory of a zip without a comment tells it (APPNOTE 4.3.12). */
export function modesIn(zip: Uint8Array): Record<string, number> {
	const data = Buffer.from(zip);
	const modes: Record<string, number> = {};
	let at = data.readUInt32LE(data.length - 22 + 16);
	while (data.readUInt32LE(at) === 0x02014b50) {
		const [name, extra, comment] = [28, 30, 32].map((offset) => data.readUInt16LE(at + offset)) as [
			number,
			number,
			number,
		];
		modes[data.toString('utf8', at + 46, at + 46 + name)] = data.readUInt32LE(at + 38) >>> 16;
		at += 46 + name + extra + comment;
	}
	return modes;
}

export interface Ended {
	code: number | null;
	stdout: string;
	stderr: string;
	/** stdout as JSON lines, where it is that. */
	events: Record<string, unknown>[];
}

const children = new Set<ChildProcess>();

/** Runs a command to its end; `onLink` sees the link as soon as it is printed. */
export function run(
	[program = '', ...args]: string[],
	cwd: string,
	onLink?: (url: string, child: ChildProcess) => unknown,
): Promise<Ended> {
	const child = spawn(program, args, {
		cwd,
		stdio: ['ignore', 'pipe', 'pipe'],
		env: { ...process.env, NO_COLOR: '1' },
	});
	children.add(child);
	const lines: string[] = [];
	const stderr: Buffer[] = [];
	child.stderr.on('data', (data) => stderr.push(data));
	createInterface({ input: child.stdout }).on('line', (line) => {
		lines.push(line);
		const event = parsed(line);
		if (event?.event === 'link') onLink?.(String(event.url), child);
	});
	return new Promise((done, fail) => {
		child.on('error', fail);
		child.on('close', (code) => {
			children.delete(child);
			const events = lines.map(parsed).filter((event) => event !== undefined);
			done({ code, stdout: lines.join('\n'), stderr: Buffer.concat(stderr).toString(), events });
		});
	});
}

export function endAll(): void {
	for (const child of children) child.kill('SIGKILL');
}

function parsed(line: string): Record<string, unknown> | undefined {
	try {
		const value: unknown = JSON.parse(line);
		return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
	} catch {
		return undefined;
	}
}

/** A wallet's whole part, at a relay on a socket. */
export async function send(url: string, sources: (Sent & { patient: { id: string }; fhirBaseUrl: string })[]) {
	const link = parseLink(url);
	const keys = await deriveKeys(link);
	const owner = random(32);
	const call = async (method: string, path: string, token: string, body: BodyInit, headers: Record<string, string>) => {
		const answer = await fetch(link.origin + path, {
			method,
			body,
			headers: { Authorization: `Bearer ${token}`, ...headers },
		});
		if (!answer.ok) throw new Error(`${method}: ${answer.status}`);
	};
	const claim = JSON.stringify({ ownerHash: await tokenHash(owner) });
	await call('POST', routes.claim(link.sid), keys.write, claim, { 'Content-Type': 'application/json' });
	const { parts, manifest } = await seal(link, sources);
	for (const [name, part] of parts) {
		const [bid = '', n] = name.split('/');
		const digest = createHash('sha256').update(part).digest('base64');
		const path = routes.part(link.sid, bid, Number(n));
		await call('PUT', path, owner, part as Uint8Array<ArrayBuffer>, { 'Content-Digest': `sha-256=:${digest}:` });
	}
	for (const [i, { patient, fhirBaseUrl }] of sources.entries()) {
		Object.assign(manifest.sources[i] ?? {}, { patient, fhirBaseUrl });
	}
	const jwe = await sealManifest(manifest, link.pk, keys);
	await call('PUT', routes.manifest(link.sid), owner, jwe, { 'Content-Type': 'application/jose' });
}
