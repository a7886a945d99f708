import { expect, test } from 'vitest';
import { other, paused, unsaved } from '../../app/words/standing.js';

test('a sign-in as somebody else names both people and the provider, and says that nothing has changed', () => {
	expect(other.body('Linnéa', 'Harbor', 'Camila')).toBe(
		'You signed in at Harbor as Linnéa, but this connection belongs to Camila. Nothing of it has changed.',
	);
});

test('names that could not be read leave no hole in the sentence', () => {
	expect(other.body(null, 'Harbor', null)).toBe(
		'You signed in at Harbor as another patient, but this connection belongs to somebody else. Nothing of it has changed.',
	);
	expect(other.known(null)).toBe('That patient has a connection here already; adding renews that one.');
});

test('what a backup leaves behind says since when, and both ways out say what they cost', () => {
	expect(paused.body('3:40 PM')).toContain('Since 3:40 PM nothing is renewed here');
	expect(paused.resumeBody).toContain('only if the backup was not restored anywhere');
	expect(paused.forgetBody).toContain('No access is ended');
});

test('tokens that are in memory alone are told with what to do and what helps', () => {
	expect(unsaved.title).toBe('Keep this tab open');
	expect(unsaved.body).toMatch(/free some space.*sign in at a provider again/);
});
