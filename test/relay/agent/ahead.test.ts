import { describe, expect, test } from 'vitest';
import { ahead, oneAhead } from '../../../relay/agent/delivery/ahead.js';

/** A task for each number that ends when told to. */
function tasks() {
	const begun: number[] = [];
	const settle = new Map<number, { resolve: () => void; reject: (error: Error) => void }>();
	const run = (n: number) => {
		begun.push(n);
		return new Promise<number>((resolve, reject) => {
			settle.set(n, { resolve: () => resolve(n), reject });
		});
	};
	return {
		begun,
		run,
		resolve: (n: number) => settle.get(n)?.resolve(),
		fail: (n: number) => settle.get(n)?.reject(new Error(String(n))),
	};
}

describe('work ahead', () => {
	test('is bounded, and comes in order whatever is ready first', async () => {
		const { begun, run, resolve } = tasks();
		const results = ahead([0, 1, 2, 3], 2, run);
		const first = results.next();
		expect(begun).toEqual([0, 1]);
		resolve(1);
		resolve(0);
		expect((await first).value).toBe(0);
		const second = results.next();
		expect(begun).toEqual([0, 1, 2]);
		expect((await second).value).toBe(1);
		for (const n of [2, 3]) {
			const next = results.next();
			resolve(n);
			expect((await next).value).toBe(n);
		}
		expect((await results.next()).done).toBe(true);
	});

	test('tells a failure in its turn, after what came before it', async () => {
		const { run, resolve, fail } = tasks();
		const results = ahead([0, 1], 2, run);
		const first = results.next();
		fail(1);
		resolve(0);
		expect((await first).value).toBe(0);
		await expect(results.next()).rejects.toThrow('1');
	});

	test('is waited for when a failure ends it early', async () => {
		const { run, resolve, fail } = tasks();
		const results = ahead([0, 1], 2, run);
		let ended = false;
		const first = results.next().finally(() => {
			ended = true;
		});
		fail(0);
		await new Promise((turn) => setImmediate(turn));
		expect(ended).toBe(false);
		resolve(1);
		await expect(first).rejects.toThrow('0');
	});
});

describe('one ahead', () => {
	test('makes the next while the last is used, gives all of them, and stops what is under way', async () => {
		const made: number[] = [];
		async function* numbers() {
			for (let n = 0; n < 3; n++) {
				made.push(n);
				yield n;
			}
		}
		let stopped = 0;
		const given: number[] = [];
		for await (const n of oneAhead(numbers(), () => stopped++)) {
			given.push(n);
			await new Promise((turn) => setImmediate(turn));
			expect(made).toHaveLength(Math.min(3, n + 2));
		}
		expect(given).toEqual([0, 1, 2]);
		expect(stopped).toBe(1);
	});

	test('left early, ends what is being made first', async () => {
		const end = new AbortController();
		let closed = false;
		async function* stalls() {
			try {
				yield 0;
				await new Promise((_, reject) => end.signal.addEventListener('abort', () => reject(new Error('aborted'))));
				yield 1;
			} finally {
				closed = true;
			}
		}
		for await (const n of oneAhead(stalls(), () => end.abort())) {
			expect(n).toBe(0);
			break;
		}
		expect(closed).toBe(true);
	});
});
