/** One send, from the press of "Send Selected to AI" to the agent's `done`, in a browser with a fresh profile. */
import { Agent } from './agent.js';
import { Browser, type Page } from './browser.js';
import type { Stack } from './processes.js';
import { connect, openWallet, press } from './wallet.js';

export const SYSTEM = 'harbor';
export const USERNAME = 'camila';

export interface Sent {
	/** Milliseconds. */
	ms: number;
	/** What the agent says of it. */
	done: Record<string, unknown>;
}

/** Called while the wallet is ready and nothing is asked yet, and as soon as the agent is done. */
export interface Watch {
	ready?(page: Page, agent: Agent): Promise<void>;
	done?(page: Page, agent: Agent): Promise<void>;
}

export async function sendOnce(stack: Stack, watch: Watch = {}, args: string[] = []): Promise<Sent> {
	const browser = await Browser.launch(args);
	let agent: Agent | undefined;
	try {
		const page = await browser.page();
		await openWallet(page, stack);
		await connect(page, stack, SYSTEM, USERNAME);
		agent = await Agent.ask(stack.origin);
		const { told } = await agent.event('link');
		await page.goto(String(told.url));
		await press(page, 'Include');
		// As anybody would, who looks at it: the estimate is there before the press.
		await page.until(estimated, null);
		await watch.ready?.(page, agent);
		const from = performance.now();
		await press(page, 'Send Selected to AI');
		const { at, told: done } = await agent.event('done');
		await watch.done?.(page, agent);
		return { ms: at - from, done };
	} finally {
		await agent?.stop();
		await browser.close();
	}
}

/** Runs in the page. */
function estimated(): boolean {
	return document.querySelector('.amount[aria-busy="false"] .strong') !== null;
}
