import { describe, expect, test } from 'vitest';
import { type Counters, memoryCounters } from '../../../relay/server/counters.js';
import { addressOf, DAY, Limit, MINUTE } from '../../../relay/server/limits.js';
import { countersSuite } from './counters.suite.js';
import { expectProblem, ManualClock, party, setUp } from './support.js';

const NOON = Date.parse('2026-11-22T12:00:00Z');
const day = (time: number) => new Date(time).toISOString().slice(0, 10);

/** Counters that tell by which keys they were asked. */
function observed(counters: Counters) {
	const keys: string[] = [];
	const count: Counters['count'] = (key, window) => {
		keys.push(key);
		return counters.count(key, window);
	};
	return { keys, counters: { ...counters, count } };
}

countersSuite('counters in memory', memoryCounters);

describe('counters in memory', () => {
	test('have a salt that nobody can have again when the day is over', async () => {
		const clock = new ManualClock(NOON);
		const counters = memoryCounters(clock);
		const salt = await counters.salt(day(NOON));
		clock.advance(12 * 3600 * 1000);
		expect(await counters.salt(day(NOON))).not.toEqual(salt);
	});

	test('keep no timer when all windows and the day are over', async () => {
		const clock = new ManualClock(NOON);
		const counters = memoryCounters(clock);
		await counters.salt(day(NOON));
		await counters.count('a', { seconds: MINUTE, most: 1 });
		expect(clock.timers.size).toBe(2);
		clock.advance(DAY * 1000);
		expect(clock.timers.size).toBe(0);
	});
});

describe('what is counted of an address', () => {
	test('says nothing about it, and is another thing the next day', async () => {
		const clock = new ManualClock(NOON);
		const { keys, counters } = observed(memoryCounters(clock));
		const limit = new Limit(counters, clock, 'sessions', [{ seconds: MINUTE, most: 9 }]);
		await limit.take('192.0.2.1');
		await limit.take('192.0.2.1');
		await limit.take('192.0.2.2');
		clock.advance(DAY * 1000);
		await limit.take('192.0.2.1');
		const [first, again, other, nextDay] = keys;
		expect(first).toMatch(/^sessions:60:[\w-]{43}$/);
		expect(again).toBe(first);
		expect(new Set([first, other, nextDay]).size).toBe(3);
		expect(keys.join()).not.toContain('192');
	});

	test('is another thing for another limit', async () => {
		const clock = new ManualClock(NOON);
		const { keys, counters } = observed(memoryCounters(clock));
		for (const name of ['a', 'b']) await new Limit(counters, clock, name, [{ seconds: 60, most: 9 }]).take('192.0.2.1');
		const [one, two] = keys.map((key) => key.split(':').at(-1));
		expect(one).not.toBe(two);
	});

	test('does not use up the day with what the minute refused', async () => {
		const clock = new ManualClock(NOON);
		const windows = [
			{ seconds: MINUTE, most: 1 },
			{ seconds: DAY, most: 2 },
		];
		const limit = new Limit(memoryCounters(clock), clock, 'sessions', windows);
		await limit.take('a');
		for (let turn = 0; turn < 5; turn++) await expect(limit.take('a')).rejects.toMatchObject({ retryAfter: 60 });
		clock.time += 60_000;
		await limit.take('a');
		clock.time += 60_000;
		await expect(limit.take('a')).rejects.toMatchObject({ code: 'too_many_requests', retryAfter: 12 * 3600 - 120 });
	});
});

describe('an address', () => {
	const from = (peer: string | undefined, forwarded?: string, trust = false) =>
		addressOf(
			new Request('http://relay.test', { headers: forwarded ? { 'X-Forwarded-For': forwarded } : {} }),
			peer,
			trust,
		);

	test.each([
		['192.0.2.1', '192.0.2.1'],
		['::ffff:192.0.2.1', '192.0.2.1'],
		['::FFFF:c000:201', '192.0.2.1'],
		['0:0:0:0:0:ffff:c000:0201', '192.0.2.1'],
		['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
		['2001:DB8:0001:2::6', '2001:db8:1:2'],
		['2001:db8::1', '2001:db8:0:0'],
		['2001:0:0:1:2:3:4:5', '2001:0:0:1'],
		['2001::1:2:3:4:5', '2001:0:0:1'],
		['fe80::1%eth0', 'fe80:0:0:0'],
		['::1', '0:0:0:0'],
		[undefined, ''],
	])('of a peer: %s counts as %s', (peer, counted) => {
		expect(from(peer)).toBe(counted);
	});

	test.each([
		['198.51.100.1', '198.51.100.1'],
		['203.0.113.9, 198.51.100.1', '198.51.100.1'],
		['198.51.100.1:4711', '198.51.100.1'],
		['[2001:db8:1:2::9]:4711', '2001:db8:1:2'],
		['2001:db8:1:2::9', '2001:db8:1:2'],
		['198.51.100.1, unknown', '192.0.2.1'],
		['', '192.0.2.1'],
	])('behind a trusted proxy that says "%s" counts as %s', (forwarded, counted) => {
		expect(from('192.0.2.1', forwarded, true)).toBe(counted);
	});

	test('is the peer where no proxy is trusted', () => {
		expect(from('192.0.2.1', '198.51.100.1')).toBe('192.0.2.1');
	});
});

describe('sessions from one address', () => {
	test('are limited in each day, and told when to come again', async () => {
		const setup = await setUp({ sessionsPerDay: 2 });
		const create = (address: string) => party(setup).create({}, address);
		expect((await create('2001:db8:1:2::1')).status).toBe(201);
		expect((await create('2001:db8:1:2::2')).status).toBe(201);
		const refused = await create('2001:db8:1:2::3');
		expect(refused.headers.get('Retry-After')).toBe(String(12 * 3600));
		await expectProblem(refused, 429, 'too_many_requests');
		expect((await create('2001:db8:1:3::1')).status).toBe(201);
		setup.clock.time += 12 * 3600 * 1000;
		expect((await create('2001:db8:1:2::3')).status).toBe(201);
	});
});
