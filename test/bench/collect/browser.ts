/**
 * A Chromium with a fresh profile, driven by a page's own DevTools session and nothing else. Playwright would attach to the
 * service worker as well, and a worker with DevTools attached is never stopped: its time-outs are off.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
// @ts-expect-error a script without types, shared with the README's commands
import { CHROMIUM_ARGS, chromium } from '../../tools/chromium.mjs';

// biome-ignore lint/suspicious/noExplicitAny: the protocol's messages have no types here
type Message = any;
interface Call {
	resolve(result: Message): void;
	reject(error: Error): void;
}

export interface ProcessInfo {
	type: string;
	id: number;
}

export class Browser {
	#next = 0;
	readonly #calls = new Map<number, Call>();
	readonly #listeners = new Set<(message: Message) => void>();

	private constructor(
		private readonly child: ChildProcess,
		private readonly profile: string,
	) {
		const [, , , , output] = child.stdio as Readable[];
		let rest = '';
		output?.setEncoding('utf8').on('data', (text: string) => {
			const messages = (rest + text).split('\0');
			rest = messages.pop() ?? '';
			for (const message of messages) this.#receive(JSON.parse(message));
		});
	}

	static async launch(args: string[] = []): Promise<Browser> {
		const profile = await mkdtemp(join(tmpdir(), 'satchel-bench-profile-'));
		const own = ['--headless=new', '--remote-debugging-pipe', `--user-data-dir=${profile}`, '--window-size=390,844'];
		const child = spawn(chromium(), [...own, ...CHROMIUM_ARGS, ...args, 'about:blank'], {
			stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
		});
		const browser = new Browser(child, profile);
		await browser.send('Browser.getVersion');
		return browser;
	}

	#receive(message: Message): void {
		const call = this.#calls.get(message.id);
		if (!call) {
			for (const listener of this.#listeners) listener(message);
			return;
		}
		this.#calls.delete(message.id);
		if (message.error) call.reject(new Error(message.error.message));
		else call.resolve(message.result);
	}

	send(method: string, params: object = {}, sessionId?: string): Promise<Message> {
		const id = ++this.#next;
		const [, , , input] = this.child.stdio as Writable[];
		return new Promise((resolve, reject) => {
			this.#calls.set(id, { resolve, reject });
			input?.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
		});
	}

	/** The first event of a session, from now on. */
	once(method: string, sessionId: string): Promise<Message> {
		return new Promise((resolve) => {
			const listener = (message: Message) => {
				if (message.method !== method || message.sessionId !== sessionId) return;
				this.#listeners.delete(listener);
				resolve(message.params);
			};
			this.#listeners.add(listener);
		});
	}

	async version(): Promise<string> {
		return (await this.send('Browser.getVersion')).product.split('/')[1];
	}

	async processes(): Promise<ProcessInfo[]> {
		return (await this.send('SystemInfo.getProcessInfo')).processInfo;
	}

	/** The page that the browser began with. */
	async page(): Promise<Page> {
		for (;;) {
			const { targetInfos } = await this.send('Target.getTargets');
			const target = targetInfos.find(({ type }: { type: string }) => type === 'page');
			if (target) return new Page(this, await this.attach(target.targetId));
			await new Promise((resolve) => setTimeout(resolve, 20));
		}
	}

	/** @returns the id of a session */
	async attach(targetId: string): Promise<string> {
		return (await this.send('Target.attachToTarget', { targetId, flatten: true })).sessionId;
	}

	async close(): Promise<void> {
		const exited = new Promise((resolve) => this.child.once('exit', resolve));
		await this.send('Browser.close').catch(() => {});
		await exited;
		await rm(this.profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
	}
}

/** How long anything on a screen may take, in milliseconds. */
const PATIENCE_MS = 60_000;

export class Page {
	constructor(
		readonly browser: Browser,
		readonly session: string,
	) {}

	send(method: string, params: object = {}): Promise<Message> {
		return this.browser.send(method, params, this.session);
	}

	async goto(url: string): Promise<void> {
		await this.send('Page.enable');
		const loaded = this.browser.once('Page.loadEventFired', this.session);
		const { errorText } = await this.send('Page.navigate', { url });
		if (errorText) throw new Error(`${url}: ${errorText}`);
		await loaded;
	}

	/** Runs a function in the page, which sees nothing but its argument. */
	async evaluate<A, R>(fn: (argument: A) => R | Promise<R>, argument: A): Promise<R> {
		const { result, exceptionDetails } = await this.send('Runtime.evaluate', {
			expression: `(${fn})(${JSON.stringify(argument)})`,
			awaitPromise: true,
			returnByValue: true,
			userGesture: true,
		});
		if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
		return result.value;
	}

	/** Until the function answers something true in the page. */
	async until<A>(fn: (argument: A) => boolean, argument: A): Promise<void> {
		for (const end = Date.now() + PATIENCE_MS; Date.now() < end; ) {
			if (await this.evaluate(fn, argument)) return;
			await new Promise((resolve) => setTimeout(resolve, 20));
		}
		const shown = await this.evaluate(() => `${location.pathname}: ${document.body.textContent}`, null);
		throw new Error(`not there: ${JSON.stringify(argument)} at ${shown}`);
	}
}
