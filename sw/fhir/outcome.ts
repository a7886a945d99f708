import type { Problem } from './state.js';

/** Any object of JSON. */
export type Json = Record<string, unknown>;

export function isObject(value: unknown): value is Json {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function list(value: unknown): unknown[] {
	return Array.isArray(value) ? value : [];
}

/** FHIR R4, code system issue-type: the server's no, as against something that went wrong. */
const refusals = new Set([
	'required',
	'invalid',
	'structure',
	'value',
	'invariant',
	'security',
	'login',
	'forbidden',
	'suppressed',
	'unknown',
	'not-supported',
	'not-found',
	'deleted',
	'business-rule',
	'too-costly',
]);

/** What an OperationOutcome holds against the query: its first error or fatal issue. Warnings and notes: null. */
export function readOutcome(resource: unknown): (Problem & { code: string }) | null {
	if (!isObject(resource) || resource.resourceType !== 'OperationOutcome') return null;
	for (const issue of list(resource.issue)) {
		if (!isObject(issue) || (issue.severity !== 'error' && issue.severity !== 'fatal')) continue;
		const code = typeof issue.code === 'string' && /^[a-z-]{1,40}$/.test(issue.code) ? issue.code : 'unknown';
		return {
			code,
			status: refusals.has(code) ? 'refused' : 'failed',
			reason: `outcome_${code.replaceAll('-', '_')}`,
		};
	}
	return null;
}

/** An HTTP status outside 2xx: 4xx is the server's no, but for the time-outs, the throttling and the lost token. */
export function readStatus(status: number): Problem {
	const passing = status === 401 || status === 408 || status === 425 || status === 429;
	return { status: status >= 400 && status < 500 && !passing ? 'refused' : 'failed', reason: `http_${status}` };
}

/** A code of the engine's as a reason; anything else than a code is not passed on. */
export function readFailure(code: string): Problem {
	return { status: 'failed', reason: /^[a-z][a-z0-9_]{0,63}$/.test(code) ? code : 'failed' };
}
