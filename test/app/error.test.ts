import { describe, expect, test } from 'vitest';
import { ErrorText } from '../../app/parts/error.js';
import type { ErrorCode } from '../../sw/contract.js';

const shown = (code: ErrorCode) => JSON.stringify(ErrorText({ error: { code, correlationId: 'a1b2' } }));

describe('the reference of an error', () => {
	test.each(['internal', 'relay_error', 'relay_unavailable'] as const)('is shown with %s', (code) => {
		expect(shown(code)).toContain('Reference a1b2');
	});

	test.each(['offline', 'provider_unavailable', 'session_gone'] as const)('is not shown with %s', (code) => {
		expect(shown(code)).not.toContain('a1b2');
	});
});
