import { describe, expect, it } from 'vitest';
import { dropFragment, heldFragment, takePasted } from '../../app/fragment.js';
import { isIos } from '../../app/install.js';

const ORIGIN = 'https://satchel.example';

describe('a pasted session link', () => {
	it('leads to the session without its secret, which is held until the worker has it', () => {
		expect(takePasted(`  ${ORIGIN}/connect/abc-1#1.pk.secret\n`, ORIGIN)).toBe('/connect/abc-1');
		expect(heldFragment('abc-1')).toBe('1.pk.secret');
		dropFragment('abc-1');
		expect(heldFragment('abc-1')).toBeNull();
	});

	it.each(['', 'hello', `${ORIGIN}/connect/abc`, `${ORIGIN}/#1.a.b`, 'https://other.example/connect/abc#1.a.b'])(
		'%j is no session link of this site',
		(text) => {
			expect(takePasted(text, ORIGIN)).toBeNull();
			expect(heldFragment('abc')).toBeNull();
		},
	);
});

describe('the steps for iOS', () => {
	it.each([
		['Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)', 5, true],
		['Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)', 5, true],
		['Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)', 0, false],
		['Mozilla/5.0 (X11; Linux x86_64)', 0, false],
	])('are for %s with %i touch points: %s', (userAgent, maxTouchPoints, expected) => {
		expect(isIos({ userAgent, maxTouchPoints })).toBe(expected);
	});
});
