/** What journeys share: the whole of Satchel on free ports, a person at the screen, and an agent in another process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type BrowserContext, test as base, chromium, expect, type Page } from '@playwright/test';
import { relayConfig } from '../../relay/server/config/config.js';
import { assertionKeys } from '../../relay/server/keys/assertion-keys.js';
import { startRelay } from '../../relay/server/serve.js';
import { signingKey } from '../sandbox/clients.js';
import { type Sandbox, startSandbox } from '../sandbox/server.js';
import { freePort } from '../tools/free-port.js';

export { expect };

const root = fileURLToPath(new URL('../..', import.meta.url));

/** App, relay and sandbox EHR, as `npm start` runs them. */
export interface Stack {
	origin: string;
	sandbox: Sandbox;
	/** Where the relay keeps what is parked. */
	dataDir: string;
	/** Stops the relay and starts it again on the same port and data. */
	restartRelay(): Promise<void>;
}

/** A browser profile on disk, which outlives its browser. */
export interface Profile {
	dir: string;
	/** Starts a browser with it; close the last one before. */
	open(): Promise<BrowserContext>;
}

interface Fixtures {
	agent: (options?: AskOptions) => Promise<Agent>;
	profile: Profile;
	/** No faults and no counts from another test. */
	calm: undefined;
}

export const test = base.extend<Fixtures, { stack: Stack }>({
	stack: [
		// biome-ignore lint/correctness/noEmptyPattern: Playwright reads the parameter list
		async ({}, use) => {
			const port = await freePort();
			const origin = `http://localhost:${port}`;
			const sandbox = await startSandbox({ appOrigins: [origin], faults: true });
			const dataDir = await mkdtemp(join(tmpdir(), 'satchel-relay-'));
			const config = relayConfig({
				port,
				dataDir,
				appDir: join(root, 'dist/app'),
				skillDir: join(root, 'dist/skill'),
				providers: sandbox.systems,
				assertionKeys: assertionKeys({ keys: [signingKey('RS384')] }),
				loopbackConnect: [sandbox.origin],
			});
			let relay = await startRelay(config);
			await use({
				origin,
				sandbox,
				dataDir,
				restartRelay: async () => {
					await relay.close();
					relay = await startRelay(config);
				},
			});
			await relay.close();
			await sandbox.close();
			await rm(dataDir, { recursive: true, force: true });
		},
		{ scope: 'worker' },
	],
	calm: [
		async ({ stack }, use) => {
			stack.sandbox.faults.reset();
			await use(undefined);
			stack.sandbox.faults.reset();
		},
		{ auto: true },
	],
	profile: async ({ stack, launchOptions, viewport }, use) => {
		const dir = await mkdtemp(join(tmpdir(), 'satchel-profile-'));
		let last: BrowserContext | undefined;
		await use({
			dir,
			open: async () => {
				last = await chromium.launchPersistentContext(dir, { ...launchOptions, viewport, baseURL: stack.origin });
				return last;
			},
		});
		await last?.close();
		await rm(dir, { recursive: true, force: true, maxRetries: 5 });
	},
	agent: async ({ stack }, use) => {
		const agents: Agent[] = [];
		await use(async (options = {}) => {
			const agent = await Agent.ask(stack.origin, options);
			agents.push(agent);
			return agent;
		});
		for (const agent of agents) await agent.stop();
	},
	baseURL: ({ stack }, use) => use(stack.origin),
});

// --- the person -------------------------------------------------------------------------------------------------

export interface SignIn {
	provider: string;
	username: string;
	/** Text of the consent page's option. */
	duration?: string;
}

/** From the screen with the provider search to the consent's end. */
export async function chooseProvider(page: Page, { provider, username, duration }: SignIn): Promise<void> {
	await page.getByRole('searchbox').fill(provider);
	// By the keyboard: the rows move under a pointer while the answers to what was typed come in.
	await page
		.getByRole('button', { name: new RegExp(provider) })
		.first()
		.press('Enter');
	await page.getByRole('button', { name: /^Continue to/ }).click();
	await signIn(page, username, duration);
}

/** At the provider: password, access duration, consent. */
export async function signIn(page: Page, username: string, duration?: string): Promise<void> {
	await page.locator('input[name=username]').fill(username);
	await page.locator('input[name=password]').fill('sandbox');
	await page.getByRole('button', { name: 'Sign in' }).click();
	if (duration) await page.locator('[name=duration]').selectOption({ label: duration });
	await page.getByRole('button', { name: 'Allow access' }).click();
}

/** Connects from `/connections` and waits for the card. */
export async function connect(page: Page, who: SignIn): Promise<void> {
	await page.goto('/connections');
	await page.getByRole('link', { name: 'Connect a Health Provider' }).first().click();
	await chooseProvider(page, who);
	await page.waitForURL('**/connections');
	await expect(page.getByText('Connected just now').first()).toBeVisible();
}

/**
 * Stops the worker as a browser would, at once and with all that it was doing. Resolves when the browser has said that it
 * was running and is stopped.
 */
export async function killWorker(page: Page): Promise<void> {
	const cdp = await page.context().newCDPSession(page);
	const running = new Set<string>();
	let stopped = () => {};
	const dead = new Promise<void>((resolve) => {
		stopped = resolve;
	});
	cdp.on('ServiceWorker.workerVersionUpdated', ({ versions }) => {
		for (const { versionId, runningStatus } of versions) {
			if (runningStatus === 'running') running.add(versionId);
			else if (runningStatus === 'stopped' && running.has(versionId)) stopped();
		}
	});
	await cdp.send('ServiceWorker.enable');
	await expect.poll(() => running.size, { message: 'a worker runs' }).toBeGreaterThan(0);
	await cdp.send('ServiceWorker.stopAllWorkers');
	await dead;
	await cdp.detach();
}

// --- the agent --------------------------------------------------------------------------------------------------

export interface AskOptions {
	who?: string;
	why?: string;
	wants?: string;
	expires?: number;
}

export interface AgentEvent {
	event: string;
	[member: string]: unknown;
}

/** `npm run agent -- request`, in a process of its own. */
export class Agent {
	readonly events: AgentEvent[] = [];
	private readonly exited: Promise<number | null>;
	private waiting: (() => void)[] = [];
	private over = false;
	private said = '';

	private constructor(
		private readonly child: ChildProcess,
		readonly dir: string,
	) {
		if (!child.stdout || !child.stderr) throw new Error('no pipes');
		child.stderr.setEncoding('utf8').on('data', (text: string) => {
			this.said += text;
		});
		createInterface({ input: child.stdout }).on('line', (line) => {
			this.events.push(JSON.parse(line));
			this.wake();
		});
		this.exited = new Promise((resolve) =>
			child.once('close', (code) => {
				this.over = true;
				this.wake();
				resolve(code);
			}),
		);
	}

	private wake(): void {
		for (const resolve of this.waiting.splice(0)) resolve();
	}

	static async ask(origin: string, { who = 'Test assistant', why = 'To test', wants, expires }: AskOptions) {
		const dir = join(await mkdtemp(join(tmpdir(), 'satchel-agent-')), 'records');
		const args = ['dist/node/agent.js', 'request', '--relay', origin, '--out', dir, '--who', who, '--why', why];
		if (wants) args.push('--wants', wants);
		if (expires) args.push('--expires', String(expires));
		return new Agent(spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] }), dir);
	}

	/** The first event of a kind, as soon as it is there. */
	async event(name: string): Promise<AgentEvent> {
		for (;;) {
			const found = this.events.find(({ event }) => event === name);
			if (found) return found;
			if (this.over) throw new Error(`the agent ended without "${name}": ${JSON.stringify(this.events)}\n${this.said}`);
			await new Promise<void>((resolve) => this.waiting.push(resolve));
		}
	}

	async link(): Promise<{ url: string; code: string }> {
		const { url, code } = await this.event('link');
		return { url: String(url), code: String(code) };
	}

	exitCode(): Promise<number | null> {
		return this.exited;
	}

	/** Every line of every NDJSON file it wrote. */
	async lines(): Promise<string[]> {
		const entries = await readdir(this.dir, { recursive: true, withFileTypes: true });
		const files = entries.filter((entry) => entry.isFile() && entry.name.endsWith('.ndjson'));
		const texts = await Promise.all(
			files.map((file) => readFile(join(file.parentPath ?? file.path, file.name), 'utf8')),
		);
		return texts.flatMap((text) => text.split('\n').filter(Boolean));
	}

	async stop(): Promise<void> {
		this.child.kill('SIGKILL');
		await this.exited;
		await rm(join(this.dir, '..'), { recursive: true, force: true });
	}
}
