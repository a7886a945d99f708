/** What the renderer that holds page and worker takes during a send, over what it took before. Not timed. */
import { readFile } from 'node:fs/promises';
import { median } from '../median.js';
import type { Browser, Page } from './browser.js';
import { startStack } from './processes.js';
import { octetsOf, staffOf } from './record.js';
import { sendOnce } from './send.js';

/** In octets of private memory. */
export interface Memory {
	mb: number;
	idle: number;
	/** The most over idle. */
	over: number;
	/** The most over idle of the browser's other processes together: network, storage, the browser itself. */
	others: number;
}

const SAMPLE_MS = 100;

/** Else an empty renderer is kept ready, and counts. */
const NO_SPARE = ['--disable-features=SpareRendererForSitePerProcess'];

export async function measureMemory(mb: number, runs: number): Promise<Memory> {
	const stack = await startStack({ network: 'loopback', bytes: octetsOf(mb), staff: staffOf(mb) });
	try {
		const measured: Omit<Memory, 'mb'>[] = [];
		for (let run = 0; run < runs; run++) {
			let stop: (() => Promise<Omit<Memory, 'mb'>>) | undefined;
			const watch = {
				ready: async (page: Page) => {
					await collectGarbage(page);
					stop = await sample(page.browser);
				},
				done: async () => {
					const one = await stop?.();
					if (one) measured.push(one);
				},
			};
			await sendOnce(stack, watch, NO_SPARE);
		}
		const middle = (name: 'idle' | 'over' | 'others') => median(measured.map((one) => one[name]));
		return { mb, idle: middle('idle'), over: middle('over'), others: middle('others') };
	} finally {
		await stack.close();
	}
}

/** In page and worker, after they had time to settle. */
async function collectGarbage({ browser }: Page): Promise<void> {
	await new Promise((resolve) => setTimeout(resolve, 1000));
	const { targetInfos } = await browser.send('Target.getTargets');
	for (const { targetId, type } of targetInfos as { targetId: string; type: string }[]) {
		if (type !== 'page' && type !== 'service_worker') continue;
		const session = await browser.attach(targetId);
		await browser.send('HeapProfiler.collectGarbage', {}, session);
		await browser.send('Target.detachFromTarget', { sessionId: session });
	}
	await new Promise((resolve) => setTimeout(resolve, 500));
}

async function sample(browser: Browser): Promise<() => Promise<Omit<Memory, 'mb'>>> {
	const idle = await take(browser);
	const most = { ...idle };
	let over = false;
	const work = (async () => {
		while (!over) {
			await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS));
			const now = await take(browser);
			most.renderers = Math.max(most.renderers, now.renderers);
			most.others = Math.max(most.others, now.others);
		}
	})();
	return async () => {
		over = true;
		await work;
		return { idle: idle.renderers, over: most.renderers - idle.renderers, others: most.others - idle.others };
	};
}

async function take(browser: Browser): Promise<{ renderers: number; others: number }> {
	const sum = { renderers: 0, others: 0 };
	for (const { type, id } of await browser.processes()) {
		sum[type === 'renderer' ? 'renderers' : 'others'] += await privateOctets(id);
	}
	return sum;
}

/** Octets that a process shares with no other one. 0 for one that has ended. */
async function privateOctets(pid: number): Promise<number> {
	const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '');
	let octets = 0;
	for (const [, kibibytes] of text.matchAll(/^Private_\w+:\s+(\d+) kB$/gm)) octets += Number(kibibytes) * 1024;
	return octets;
}
