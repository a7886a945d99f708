/** Twenty megabytes on their way to an agent, and the browser stops the worker ten times: all of it arrives, once. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expectSent, include, send } from './person.js';
import { expectEqual } from './records.js';
import { connect, expect, killWorker, test } from './support.js';

const HARBOR = 'Harbor Medical Group';

test('a worker that is stopped ten times sends 20 MB whole, and no part becomes another', async ({
	page,
	stack,
	agent,
}) => {
	test.slow();
	const seed = Date.now() % 1_000_000;
	test.info().annotations.push({ type: 'seed', description: String(seed) });
	console.log(`seed of the deaths: ${seed}`);
	// Requests from one death to the next; the tenth has a moment of its own.
	const lives = fc.sample(fc.noBias(fc.integer({ min: 5, max: 25 })), { seed, numRuns: 9 });

	await connect(page, { provider: 'Harbor', username: 'zoe' });
	await connect(page, { provider: 'Foothills', username: 'zoe' });
	const asking = await agent();
	await page.goto((await asking.link()).url);
	await include(page, HARBOR).check();
	await include(page, 'Foothills').check();
	// About as far away as a provider is.
	stack.sandbox.faults.add({ match: { endpoint: 'fhir' }, action: { delayMs: 40 } });
	const asked = () =>
		['harbor', 'foothills'].reduce((sum, id) => sum + (stack.sandbox.faults.counts(id).requests.fhir ?? 0), 0);
	const folder = join(stack.dataDir, 'sessions', new URL(page.url()).pathname.split('/')[2] ?? '');
	/** What the relay has, by file: a part that is there is never replaced by another. */
	const parked = new Map<string, string>();
	const look = async () => {
		for (const name of await readdir(folder)) {
			if (!/^[\w-]{22}\W/.test(name)) continue;
			const digest = createHash('sha256')
				.update(await readFile(join(folder, name)))
				.digest('hex');
			expect([name, parked.get(name) ?? digest]).toEqual([name, digest]);
			parked.set(name, digest);
		}
		return parked.size;
	};
	await send(page);
	for (const requests of lives) {
		const until = asked() + requests;
		await expect.poll(asked, { intervals: [20], timeout: 40_000 }).toBeGreaterThanOrEqual(until);
		await killWorker(page);
		await look();
	}
	// The last time when a part is there and others are still to come.
	await expect.poll(look, { intervals: [20], timeout: 60_000 }).toBeGreaterThan(0);
	await killWorker(page);
	await look();
	await expectSent(page);
	await asking.event('done');
	expectEqual(await asking.lines(), stack, [
		['harbor', 'zoe'],
		['foothills', 'zoe'],
	]);
	expect(await asking.exitCode()).toBe(0);
});
