/** One death of the worker in the middle of a refresh, and what became of the connection. */
import { arm, type Barrier } from './barriers.js';
import { SERVERS, type Server } from './stack.js';
import type { Wallet } from './wallet.js';

export type Fate =
	/** The next refresh works. */
	| 'alive'
	/** The provider has ended it; the card says so, offers to sign in again, and that repairs it. */
	| 'told'
	/** It is shown as active, or not at all, and cannot be refreshed. */
	| 'silent';

export interface Victim {
	wallet: Wallet;
	server: Server;
	username: string;
	connectionId: string;
}

/** How long anything on the screen may take, in milliseconds, before it counts as not happening. */
const PATIENCE_MS = 15_000;

/**
 * Kills the worker at the barrier of a "Refresh Now", loads the page again, and looks.
 * A connection that was lost is repaired by signing in again.
 */
export async function killAt(barrier: Barrier, victim: Victim): Promise<{ fate: Fate; why?: string }> {
	const { wallet, server, username, connectionId } = victim;
	const { faults } = wallet.stack.sandbox;
	const counts = () => faults.counts(SERVERS[server].id);
	const card = wallet.card(connectionId);

	const { there, lift } = await arm(wallet, server, barrier, connectionId);
	const button = card.getByRole('button', { name: 'Refresh Now' });
	await button.evaluate((element: HTMLElement) => element.click());
	await within(there, `the refresh never came to "${barrier}"`);
	await wallet.kill();
	lift();

	const asked = counts().requests.token ?? 0;
	await wallet.page.reload();
	// Whoever left an intent behind is tried without anybody asking.
	if (barrier !== 'after commit') {
		if (!(await until(() => (counts().requests.token ?? 0) > asked)))
			return { fate: 'silent', why: 'the page load did not try it' };
	}
	// Joins what the page load set off.
	const view = await wallet.command('connection.refresh', { id: connectionId });
	const shown = view.status === 'expired' ? 'Connection expired' : 'Active';
	if (!(await until(async () => (await card.locator('.status').textContent())?.includes(shown))))
		return { fate: 'silent', why: `the card does not say "${shown}"` };
	if (view.status === 'expired') {
		if (!(await card.getByRole('button', { name: /Re-authorize/ }).isVisible()))
			return { fate: 'silent', why: 'the card does not offer to sign in again' };
		await wallet.reauthorize(server, username, connectionId);
		return { fate: 'told' };
	}
	if (view.problem) return { fate: 'silent', why: `active with ${view.problem.error.code}` };
	const { refreshes } = counts();
	await wallet.command('connection.refresh', { id: connectionId });
	return counts().refreshes > refreshes
		? { fate: 'alive' }
		: { fate: 'silent', why: 'shown as active, and not refreshed' };
}

async function until(condition: () => boolean | Promise<boolean | undefined>): Promise<boolean> {
	for (const end = Date.now() + PATIENCE_MS; Date.now() < end; ) {
		if (await condition()) return true;
		await new Promise((resolve) => setTimeout(resolve, 5));
	}
	return false;
}

async function within<T>(work: Promise<T>, otherwise: string): Promise<T> {
	let timer: NodeJS.Timeout | undefined;
	const late = new Promise<never>((_, reject) => {
		timer = setTimeout(() => reject(new Error(otherwise)), PATIENCE_MS);
	});
	return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
