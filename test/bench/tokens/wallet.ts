/** The wallet in a browser, as the bench drives it: the app's own screens and commands, and the worker's life and death. */
import type { BrowserContext, CDPSession, Locator, Page, Worker } from '@playwright/test';
import type { CommandName, ConnectionView, Payload, Reply } from '../../../sw/contract.js';
import { authorize } from '../../sandbox/client.js';
import { ask } from '../ask.js';
import { SERVERS, type Server, type TokenStack } from './stack.js';

const NINETY_DAYS = 90 * 24 * 3600;

export class Wallet {
	private constructor(
		readonly context: BrowserContext,
		readonly page: Page,
		readonly stack: TokenStack,
		private readonly cdp: CDPSession,
	) {}

	/** @param context a fresh one: it holds one wallet */
	static async open(context: BrowserContext, stack: TokenStack): Promise<Wallet> {
		const page = await context.newPage();
		await page.goto(`${stack.origin}/connections`);
		await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
		// Controlled from here on.
		await page.reload();
		const cdp = await context.newCDPSession(page);
		await cdp.send('ServiceWorker.enable');
		return new Wallet(context, page, stack, cdp);
	}

	/** Signs in and consents without a screen; the authorization response takes the way it always does. @returns the id */
	async connect(server: Server, username: string): Promise<string> {
		const before = new Set((await this.connections()).map(({ id }) => id));
		await this.#trip(server, username, { kind: 'provider', providerId: SERVERS[server].id });
		const made = (await this.connections()).find(({ id }) => !before.has(id));
		if (!made) throw new Error(`not connected: ${username} at ${server}`);
		return made.id;
	}

	/** Repairs a connection in place. */
	async reauthorize(server: Server, username: string, connectionId: string): Promise<void> {
		await this.#trip(server, username, { kind: 'reauthorize', connectionId });
		const { status } = await this.connection(connectionId);
		if (status !== 'active') throw new Error(`not repaired: ${username} at ${server}`);
	}

	async #trip(server: Server, username: string, target: Payload<'connect.start'>['target']): Promise<void> {
		const { url } = await this.command('connect.start', { target, returnTo: '/connections', sid: null });
		const params = Object.fromEntries(new URL(url).searchParams);
		const options = { username, duration: NINETY_DAYS, params };
		const { callback } = await authorize(this.stack.sandbox, SERVERS[server].id, options);
		await this.page.goto(callback.href);
	}

	async connections(): Promise<ConnectionView[]> {
		return (await this.command('overview', {})).connections;
	}

	async connection(id: string): Promise<ConnectionView> {
		const found = (await this.connections()).find((one) => one.id === id);
		if (!found) throw new Error('the connection is gone');
		return found;
	}

	/** The connection's card on the screen. */
	card(id: string): Locator {
		return this.page.locator(`article[aria-labelledby="c-${id}"]`);
	}

	command<C extends CommandName>(command: C, payload: Payload<C>): Promise<Reply<C>> {
		return ask(this.page, command, payload);
	}

	/** The worker that runs. Only the one with the barriers is asked for by this name. */
	async worker(): Promise<Worker> {
		const running = this.context.serviceWorkers().at(-1);
		return running ?? this.context.waitForEvent('serviceworker');
	}

	/** Stops the worker as a browser would, at once and with all that it was doing; resolves when it is dead. */
	async kill(): Promise<void> {
		let settle = () => {};
		const dead = new Promise<void>((resolve) => {
			settle = resolve;
		});
		const look = ({ versions }: { versions: { runningStatus: string }[] }) => {
			if (versions.length > 0 && versions.every(({ runningStatus }) => runningStatus === 'stopped')) settle();
		};
		this.cdp.on('ServiceWorker.workerVersionUpdated', look);
		await this.cdp.send('ServiceWorker.stopAllWorkers');
		await dead;
		this.cdp.off('ServiceWorker.workerVersionUpdated', look);
	}

	close(): Promise<void> {
		return this.context.close();
	}
}
