import { expect, test } from 'vitest';
import { hashOf, idOf, keyOf, linesOf } from '../../../sw/copy/lines.js';

const octets = (text: string) => new TextEncoder().encode(text);
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

test('lines are what stands between line ends, the last one with or without its own', () => {
	expect([...linesOf(octets('a\nbc\n'))].map(text)).toEqual(['a', 'bc']);
	expect([...linesOf(octets('a\n\nbc'))].map(text)).toEqual(['a', 'bc']);
	expect([...linesOf(octets(''))]).toEqual([]);
});

test('the id is the resource’s own, wherever it stands, and never one inside it', () => {
	expect(idOf(octets('{"resourceType":"Goal","id":"g-1","x":1}'))).toBe('g-1');
	expect(idOf(octets('{"contained":[{"resourceType":"Goal","id":"inner"}],"id":"outer"}'))).toBe('outer');
	expect(idOf(octets('{"resourceType":"Goal","contained":[{"id":"inner"}]}'))).toBeNull();
	expect(idOf(octets('{"resourceType" : "Goal", "id" : "g\\u002d1"}'))).toBe('g-1');
	expect(idOf(octets('{"resourceType":"Goal","id":"g","contained":[{"id":"inner"}]}'))).toBe('g');
});

test('of several ids the last one counts, however it is written', () => {
	expect(idOf(octets('{"resourceType":"Goal","id":"a","id":"b"}'))).toBe('b');
	expect(idOf(octets('{"resourceType":"Goal","id":"a","\\u0069d" : "b"}'))).toBe('b');
	expect(idOf(octets('{"resourceType":"Goal","id":"a","id":null}'))).toBeNull();
});

test('a resource without an id goes by what it says', () => {
	const [a, b] = [octets('{"resourceType":"Goal","x":1}'), octets('{"resourceType":"Goal","x":2}')];
	expect(keyOf(a)).toBe(keyOf(octets(text(a))));
	expect(keyOf(a)).not.toBe(keyOf(b));
});

test('any change of an octet, or of the length, is another hash', () => {
	const base = octets('{"resourceType":"Observation","id":"o","value":12.5,"note":"Zoë 😀"}');
	const seen = new Set([hashOf(base)]);
	for (let at = 0; at < base.length; at++)
		for (let bit = 0; bit < 8; bit++) {
			const other = base.slice();
			other[at] = other[at]! ^ (1 << bit);
			seen.add(hashOf(other));
		}
	for (let extra = 1; extra <= 8; extra++) seen.add(hashOf(new Uint8Array([...base, ...Array<number>(extra).fill(0)])));
	expect(seen.size).toBe(1 + base.length * 8 + 8);
	// Two changes in the highest bits do not make up for each other.
	const twice = base.slice();
	twice[3] = twice[3]! ^ 0x80;
	twice[7] = twice[7]! ^ 0x80;
	expect(seen.has(hashOf(twice))).toBe(false);
});
