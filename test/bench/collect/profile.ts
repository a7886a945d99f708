/**
 * Where the worker's time goes: a CPU profile of a send, as functions by self time. Nothing is timed with it: a worker with
 * DevTools attached is never stopped, and the profile itself costs. Names are those of the build; build without `minify` to read them.
 */
import type { Page } from './browser.js';
import { startStack } from './processes.js';
import { octetsOf, staffOf } from './record.js';
import { sendOnce } from './send.js';

/** @returns a table of the `most` functions by self time */
export async function profileSend(mb: number, most: number): Promise<string> {
	const stack = await startStack({ network: 'loopback', bytes: octetsOf(mb), staff: staffOf(mb) });
	try {
		await sendOnce(stack);
		let stop: (() => Promise<string>) | undefined;
		let functions = '';
		await sendOnce(stack, {
			ready: async (page) => {
				stop = await profileWorker(page, most);
			},
			done: async () => {
				functions = (await stop?.()) ?? '';
			},
		});
		return functions;
	} finally {
		await stack.close();
	}
}

interface ProfileNode {
	id: number;
	callFrame: { functionName: string; url: string; lineNumber: number };
}

async function profileWorker({ browser }: Page, most: number): Promise<() => Promise<string>> {
	const { targetInfos } = await browser.send('Target.getTargets');
	const worker = targetInfos.find(({ type }: { type: string }) => type === 'service_worker');
	if (!worker) throw new Error('no worker runs');
	const session = await browser.attach(worker.targetId);
	await browser.send('Profiler.enable', {}, session);
	await browser.send('Profiler.setSamplingInterval', { interval: 500 }, session);
	await browser.send('Profiler.start', {}, session);
	return async () => {
		const { profile } = await browser.send('Profiler.stop', {}, session);
		return table(profile, most);
	};
}

function table(
	{ nodes, samples, timeDeltas }: { nodes: ProfileNode[]; samples: number[]; timeDeltas: number[] },
	most: number,
): string {
	const names = new Map(
		nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => [
			id,
			`${functionName || '(anonymous)'} ${url ? `${url.split('/').at(-1)}:${lineNumber + 1}` : ''}`,
		]),
	);
	const self = new Map<string, number>();
	for (const [i, id] of samples.entries()) {
		const name = names.get(id) ?? '';
		self.set(name, (self.get(name) ?? 0) + (timeDeltas[i] ?? 0) / 1000);
	}
	const all = [...self.values()].reduce((sum, ms) => sum + ms, 0);
	const rows = [...self].sort(([, a], [, b]) => b - a).slice(0, most);
	return [
		`${Math.round(all)} ms in all`,
		...rows.map(
			([name, ms]) => `${ms.toFixed(0).padStart(7)} ms ${((ms / all) * 100).toFixed(1).padStart(5)} %  ${name}`,
		),
	].join('\n');
}
