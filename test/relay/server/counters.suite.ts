import { describe, expect, test } from 'vitest';
import type { Clock } from '../../../relay/server/clock.js';
import type { Counters } from '../../../relay/server/counters.js';
import { DAY, MINUTE } from '../../../relay/server/limits.js';
import { ManualClock } from './support.js';

/** What all counters must do. `make` gives new ones, on a place of their own. */
export function countersSuite(name: string, make: (clock: Clock) => Counters | Promise<Counters>) {
	const setUp = async (time: string) => {
		const clock = new ManualClock(Date.parse(time));
		return { clock, counters: await make(clock) };
	};

	describe(name, () => {
		test('allow as many as a window has room for, and say when it ends', async () => {
			const { clock, counters } = await setUp('2026-11-22T12:00:20Z');
			const window = { seconds: MINUTE, most: 2 };
			expect(await counters.count('a', window)).toEqual({ allowed: true, endsIn: 40 });
			expect(await counters.count('a', window)).toEqual({ allowed: true, endsIn: 40 });
			expect(await counters.count('a', window)).toEqual({ allowed: false, endsIn: 40 });
			expect(await counters.count('b', window)).toMatchObject({ allowed: true });
			clock.time += 40_000;
			expect(await counters.count('a', window)).toEqual({ allowed: true, endsIn: 60 });
		});

		test('begin the day at midnight (UTC)', async () => {
			const { clock, counters } = await setUp('2026-11-22T23:59:59Z');
			const window = { seconds: DAY, most: 1 };
			expect(await counters.count('a', window)).toEqual({ allowed: true, endsIn: 1 });
			expect(await counters.count('a', window)).toMatchObject({ allowed: false });
			clock.time += 1000;
			expect(await counters.count('a', window)).toEqual({ allowed: true, endsIn: DAY });
		});

		test('have one salt a day, and another on other days and in other places', async () => {
			const { clock, counters } = await setUp('2026-11-22T12:00:00Z');
			const salt = await counters.salt('2026-11-22');
			expect(salt).toHaveLength(32);
			expect(await counters.salt('2026-11-22')).toEqual(salt);
			expect(await (await make(clock)).salt('2026-11-22')).not.toEqual(salt);
			clock.advance(12 * 3600 * 1000);
			expect(await counters.salt('2026-11-23')).not.toEqual(salt);
		});
	});
}
