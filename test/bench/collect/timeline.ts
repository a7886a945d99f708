/** Where a send's time goes: what happened when, and the CPU of each process (of the renderer, each thread), against the floor's. */
import { readdir, readFile } from 'node:fs/promises';
import type { Browser } from './browser.js';
import { floorInBrowser, floorOf } from './floor.js';
import { type Logged, type Network, type Stack, startStack } from './processes.js';
import { octetsOf, staffOf } from './record.js';
import { sendOnce } from './send.js';

/** Of Linux' clock ticks. */
const TICK_MS = 10;

type Cpu = Map<string, number>;

export async function timeline(network: Network, mb: number): Promise<string> {
	const stack = await startStack({ network, bytes: octetsOf(mb), staff: staffOf(mb) });
	try {
		await sendOnce(stack, { ready: async () => void (await stack.ehr.log()) });
		const floor = await floorOf(stack, await stack.ehr.log());
		let before: Cpu = new Map();
		let after: Cpu = new Map();
		let browser: Browser | undefined;
		let agentPid = 0;
		let began = 0;
		let told: { at: number; name: string }[] = [];
		await Promise.all([stack.ehr.log(), stack.relay.log()]);
		const { ms } = await sendOnce(stack, {
			ready: async (page, agent) => {
				browser = page.browser;
				agentPid = agent.child.pid ?? 0;
				await Promise.all([stack.ehr.log(), stack.relay.log()]);
				before = await cpu(stack, browser, agentPid);
				began = performance.timeOrigin + performance.now();
			},
			done: async (_page, agent) => {
				after = await cpu(stack, browser!, agentPid);
				told = agent.events.map(({ at, told }) => ({ at: performance.timeOrigin + at - began, name: told.event }));
			},
		});
		const since = (log: Logged[]) => log.map((one) => ({ ...one, at: one.at - began, end: one.end - began }));
		const ehr = since(await stack.ehr.log()).filter(({ method }) => method === 'GET');
		const relay = since(await stack.relay.log());
		const span = ({ at, end, length }: Logged) => `${at.toFixed(0)}–${end.toFixed(0)} ms${length ? ` ${length}` : ''}`;
		const lines = [
			`send ${ms.toFixed(0)} ms, ${ehr.length} requests`,
			...ehr.slice(0, 2).map((one) => `  ${span(one)} ${one.url.replace(/\?.*/, '')}`),
			`  ${Math.max(...ehr.map(({ end }) => end)).toFixed(0)} ms the last answer`,
			...relay
				.filter(({ at }) => at > 0)
				.map((one) => `  ${span(one)} ${one.method} ${one.url.split('/').slice(4).join('/')}`),
			...told.filter(({ at }) => at > 0).map(({ at, name }) => `  ${at.toFixed(0)} ms the agent: ${name}`),
			difference(before, after),
		];
		let floorBefore: Cpu = new Map();
		const thrown = await floorInBrowser(floor, async (browser, over) => {
			const now = await cpu(stack, browser, 0);
			if (over) lines.push('floor', difference(floorBefore, now));
			else floorBefore = now;
		});
		return [...lines, `  ${thrown.ms.toFixed(0)} ms`].join('\n');
	} finally {
		await stack.close();
	}
}
async function cpu(stack: Stack, browser: Browser | null, agent: number): Promise<Cpu> {
	const all: Cpu = new Map();
	const add = (name: string, ms: number) => all.set(name, (all.get(name) ?? 0) + ms);
	const named: [string, number][] = [
		['EHR', stack.ehr.pid],
		['relay', stack.relay.pid],
		['agent', agent],
	];
	for (const { type, id } of (await browser?.processes()) ?? []) named.push([type, id]);
	for (const [name, pid] of named) {
		if (!pid) continue;
		for (const task of await readdir(`/proc/${pid}/task`).catch(() => [])) {
			const stat = await readFile(`/proc/${pid}/task/${task}/stat`, 'utf8').catch(() => '');
			const [, comm = '', rest = ''] = /^\d+ \((.*)\) (.*)$/s.exec(stat) ?? [];
			const fields = rest.split(' ');
			const ms = (Number(fields[11]) + Number(fields[12])) * TICK_MS;
			if (ms) {
				add(name, ms);
				add(`  ${name}: ${comm}`, ms);
			}
		}
	}
	return all;
}

function difference(before: Cpu, after: Cpu): string {
	return [...after]
		.map(([name, ms]) => [name, ms - (before.get(name) ?? 0)] as const)
		.filter(([, ms]) => ms >= 30)
		.sort(([a], [b]) => a.trim().localeCompare(b.trim()))
		.map(([name, ms]) => `  ${name} ${ms} ms`)
		.join('\n');
}
