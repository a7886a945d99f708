/** The example of a reverse proxy, as it is in `relay/deploy`, in a real nginx where one is installed. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { LIMITS, routes } from '../../../relay/contract.js';
import { type RelayConfig, relayConfig } from '../../../relay/server/config/config.js';
import { startRelay } from '../../../relay/server/serve.js';
import { freePort } from '../../tools/free-port.js';
import { claimed, expectProblem, jwe, partHeaders, party, random, sha256, temporaryDirectory } from './support.js';

const installed = ['nginx', 'openssl'].every(
	(program) => spawnSync(program, ['version'], { stdio: 'ignore' }).error === undefined,
);
if (!installed) console.warn('nginx or openssl is not installed here: the example of a reverse proxy was not tried');

const NAME = 'satchel.example';
const example = readFileSync(new URL('../../../relay/deploy/nginx.conf', import.meta.url), 'utf8');

/** The example with ports and files of this machine, and nothing else changed. */
function adapted(directory: string, ports: { plain: number; tls: number; relay: number }): string {
	const changes: [string, string][] = [
		['server 127.0.0.1:8787;', `server 127.0.0.1:${ports.relay};`],
		['\tlisten 80;', `\tlisten 127.0.0.1:${ports.plain};`],
		['\tlisten [::]:80;\n', ''],
		['\tlisten 443 ssl;', `\tlisten 127.0.0.1:${ports.tls} ssl;`],
		['\tlisten [::]:443 ssl;\n', ''],
		['/etc/ssl/satchel/', `${directory}/`],
		['/etc/ssl/satchel/', `${directory}/`],
		['/var/log/nginx/', `${directory}/`],
		['/var/log/nginx/', `${directory}/`],
	];
	return changes.reduce((text, [from, to]) => {
		expect(text).toContain(from);
		return text.replace(from, to);
	}, example);
}

function surroundings(directory: string): string {
	const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
		(name) => `${name}_temp_path ${directory}/${name};`,
	);
	// As root, the workers would be somebody else, to whom a temporary directory is closed.
	const user = process.getuid?.() === 0 ? 'user root;' : '';
	return `${user} daemon off; pid ${directory}/pid; error_log ${directory}/start.log;
events {} http { ${paths.join(' ')} include ${directory}/satchel.conf; }`;
}

async function ended(child: ChildProcess): Promise<void> {
	if (child.exitCode !== null) return;
	child.kill('SIGTERM');
	await once(child, 'exit');
}

async function start(given: Partial<RelayConfig> = {}) {
	const directory = temporaryDirectory();
	const dataDir = join(directory, 'data');
	const baseUrl = `https://${NAME}`;
	const config = { port: 0, host: '127.0.0.1', dataDir, appDir: join(directory, 'no-app'), baseUrl, trustProxy: true };
	const relay = await startRelay(relayConfig({ ...config, ...given }));
	onTestFinished(() => relay.close());
	const ports = { plain: await freePort(), tls: await freePort(), relay: relay.port };
	const subject = ['-subj', `/CN=${NAME}`, '-addext', `subjectAltName=DNS:${NAME}`];
	const files = ['-keyout', join(directory, 'privkey.pem'), '-out', join(directory, 'fullchain.pem')];
	const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
	execFileSync('openssl', ['req', '-x509', ...key, ...subject, ...files], { stdio: 'ignore' });
	chmodSync(join(directory, 'privkey.pem'), 0o600);
	mkdirSync(join(directory, 'client_body'), { recursive: true });
	writeFileSync(join(directory, 'satchel.conf'), adapted(directory, ports));
	writeFileSync(join(directory, 'nginx.conf'), surroundings(directory));
	const options = ['-c', join(directory, 'nginx.conf'), '-p', directory];
	const checked = spawnSync('nginx', ['-t', ...options], { encoding: 'utf8' });
	expect(checked.stderr).toContain('test is successful');
	expect(checked.stderr).not.toContain('[warn]');
	const nginx = spawn('nginx', options, { stdio: 'ignore' });
	onTestFinished(() => ended(nginx));

	const ca = readFileSync(join(directory, 'fullchain.pem'));
	const ask = (method: string, path: string, headers: Record<string, string>, body?: Uint8Array | string) =>
		new Promise<Response>((resolve, reject) => {
			const request = httpsRequest(
				{ host: '127.0.0.1', port: ports.tls, servername: NAME, ca, method, path, agent: false },
				(incoming) => void toResponse(incoming).then(resolve, reject),
			);
			request.setHeader('Host', NAME);
			for (const [name, value] of Object.entries(headers)) request.setHeader(name, value);
			request.once('error', reject);
			request.end(body);
		});
	for (;;) {
		if (await ask('GET', routes.live, {}).catch(() => null)) break;
		expect(nginx.exitCode).toBeNull();
		await sleep(20);
	}
	const call: Parameters<typeof party>[0]['call'] = (method, path, init = {}) => {
		const headers = Object.fromEntries(new Headers(init.headers));
		if (init.token) headers.authorization = `Bearer ${init.token}`;
		const body = init.json === undefined ? init.body : JSON.stringify(init.json);
		return ask(method, path, headers, body as Uint8Array | string | undefined);
	};
	return { directory, ports, ca, call };
}

async function toResponse(incoming: IncomingMessage): Promise<Response> {
	const chunks: Buffer[] = [];
	for await (const chunk of incoming) chunks.push(chunk as Buffer);
	const status = incoming.statusCode ?? 0;
	const headers = new Headers(incoming.headers as Record<string, string>);
	return new Response(status === 204 ? null : Buffer.concat(chunks), { status, headers });
}

describe.skipIf(!installed)('behind nginx, as in relay/deploy', () => {
	test('a session goes from its link to its end, with the largest part and a long poll', async () => {
		const setup = await start();
		const session = await claimed(setup);
		const [bid, data, manifest] = [random(16), randomBytes(LIMITS.partBytes), jwe()];
		expect((await session.put(bid, 0, data)).status).toBe(201);
		const waiting = session.wait(25);
		await sleep(50);
		expect((await session.send(manifest)).status).toBe(201);
		expect(await (await waiting).text()).toBe(manifest);
		const part = await session.get(bid, 0);
		expect(sha256(new Uint8Array(await part.arrayBuffer()))).toBe(sha256(data));
		expect((await session.end()).status).toBe(204);
		await expectProblem(await session.wait(0), 410, 'session_gone');
		const log = readFileSync(join(setup.directory, 'satchel.log'), 'utf8');
		expect(log).toMatch(/^\S+ PUT 201 \d+ [\d.]+$/m);
		for (const secret of [session.sid, bid, session.read, '127.0.0.1', '/api']) expect(log).not.toContain(secret);
	});

	test('an upload reaches the relay while it is sent, and a refusal the client before all of it is', async () => {
		const setup = await start({ partBytes: 1000 });
		const session = await claimed(setup);
		const request = httpsRequest({
			host: '127.0.0.1',
			port: setup.ports.tls,
			servername: NAME,
			ca: setup.ca,
			method: 'PUT',
			path: routes.part(session.sid, random(16), 0),
			headers: { Host: NAME, Authorization: `Bearer ${session.owner}`, ...partHeaders(new Uint8Array(20_000)) },
			agent: false,
		});
		request.once('error', () => undefined);
		request.write(new Uint8Array(10_000));
		const [answer] = (await once(request, 'response')) as [IncomingMessage];
		await expectProblem(await toResponse(answer), 413, 'too_large');
		request.destroy();
	});

	test('addresses are what nginx says, whatever a client says of itself', async () => {
		const setup = await start({ sessionsPerMinute: 1 });
		const create = (forwarded: string) => {
			const session = party(setup);
			return setup.call('PUT', routes.session(session.sid), {
				json: session.body,
				headers: { 'X-Forwarded-For': forwarded },
			});
		};
		expect((await create('198.51.100.1')).status).toBe(201);
		const refused = await create('198.51.100.2');
		expect(Number(refused.headers.get('Retry-After'))).toBeGreaterThan(0);
		await expectProblem(refused, 429, 'too_many_requests');
	});

	test('metrics are not passed on, and plain http leads to https', async () => {
		const { call, ports } = await start({ metricsToken: 'a-token-of-sixteen' });
		expect((await call('GET', routes.metrics, { token: 'a-token-of-sixteen' })).status).toBe(404);
		const plain = await fetch(`http://127.0.0.1:${ports.plain}/connections`, { redirect: 'manual' });
		expect(plain.headers.get('Location')).toBe(`https://${NAME}/connections`);
	});
});
