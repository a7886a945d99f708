import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { steadyClock, systemClock } from '../../../relay/server/clock.js';

const MINUTE = 60_000;

/** A machine whose wall clock can be set, and that can sleep. */
function machine(time = Date.parse('2026-11-22T12:00:00Z')) {
	let ran = 0;
	let ahead = 0;
	const clock = steadyClock(
		() => time + ran + ahead,
		() => ran,
	);
	return {
		clock,
		pass: (ms: number) => {
			ran += ms;
		},
		/** By `ms`; negative is back. */
		setWall: (ms: number) => {
			ahead += ms;
		},
		start: time,
	};
}

describe('the clock', () => {
	test('is the wall clock as long as nobody sets that', () => {
		const { clock, pass, start } = machine();
		expect(clock.now()).toBe(start);
		pass(90 * MINUTE);
		expect(clock.now()).toBe(start + 90 * MINUTE);
	});

	test('goes on at its pace when the wall clock is set back', () => {
		const { clock, pass, setWall, start } = machine();
		clock.now();
		setWall(-10 * MINUTE);
		expect(clock.now()).toBe(start);
		pass(MINUTE);
		expect(clock.now()).toBe(start + MINUTE);
		pass(59 * MINUTE);
		expect(clock.now()).toBe(start + 60 * MINUTE);
	});

	test('follows the wall clock forward, and stays there when that returns', () => {
		const { clock, pass, setWall, start } = machine();
		clock.now();
		setWall(10 * MINUTE);
		expect(clock.now()).toBe(start + 10 * MINUTE);
		setWall(-10 * MINUTE);
		pass(MINUTE);
		expect(clock.now()).toBe(start + 11 * MINUTE);
	});

	test('does not run away from a wall clock that is set to and fro', () => {
		const { clock, setWall, start } = machine();
		for (let turn = 0; turn < 100; turn++) {
			setWall(turn % 2 ? -10 * MINUTE : 10 * MINUTE);
			expect(clock.now()).toBeLessThanOrEqual(start + 10 * MINUTE);
		}
	});

	test('starts from what was known before, and is not set back by it', () => {
		const { clock, pass, start } = machine();
		clock.atLeast(start + 5 * MINUTE);
		expect(clock.now()).toBe(start + 5 * MINUTE);
		pass(MINUTE);
		clock.atLeast(start);
		expect(clock.now()).toBe(start + 6 * MINUTE);
	});

	test('never goes back, never stalls, and lets nothing live longer than it should, whatever is done to the wall clock', () => {
		const step = fc.record({ pass: fc.nat(20 * MINUTE), set: fc.integer({ min: -20 * MINUTE, max: 20 * MINUTE }) });
		fc.assert(
			fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
				const { clock, pass, setWall } = machine();
				const first = clock.now();
				let last = first;
				let passed = 0;
				for (const { pass: ms, set } of steps) {
					setWall(set);
					pass(ms);
					passed += ms;
					const now = clock.now();
					expect(now).toBeGreaterThanOrEqual(last + ms);
					expect(now).toBeGreaterThanOrEqual(first + passed);
					last = now;
				}
			}),
		);
	});

	test('of this machine tells its time, in whole milliseconds', () => {
		const before = Date.now();
		const now = systemClock.now();
		expect(now).toBeGreaterThanOrEqual(before);
		expect(Number.isInteger(now)).toBe(true);
	});
});
