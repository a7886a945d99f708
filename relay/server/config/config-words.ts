/** What is wrong with a configuration, in plain words: one line for each mistake. */
import * as v from 'valibot';

type Issue = v.BaseIssue<unknown>;

/** Values are shown, so that a person sees which one is meant; not whole ones, and nothing before an `@` of a URL. */
export function shown(value: unknown): string {
	const text = String(value)
		.replace(/\/\/\S*@/g, '//…@')
		.replace(/\p{Cc}/gu, ' ');
	return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}

/** Variables whose values are never shown, not even in part. */
const secret = new Set(['REDIS_URL', 'METRICS_TOKEN']);

/** `PORT=eighty must be a whole number` */
export function environmentProblems(issues: readonly Issue[], environment: Record<string, unknown>): string[] {
	return issues.map((issue) => {
		const name = String(issue.path?.[0]?.key ?? '');
		return secret.has(name) ? `${name} ${issue.message}` : `${name}=${shown(environment[name])} ${issue.message}`;
	});
}

/** `providers.1.clientId is missing`. `place`: where in the file the checked value is, nothing for the whole. */
export function fileProblems(issues: readonly Issue[], place = ''): string[] {
	return issues.map((issue) => {
		const at = [place, v.getDotPath(issue)].filter(Boolean).join('.');
		return `${at || 'the whole'} ${reason(issue)}`;
	});
}

const kinds: Record<string, string> = { string: 'a text', Array: 'a list', Object: 'an object' };

function reason({ kind, type, expected, received, requirement, message }: Issue): string {
	if (kind === 'schema') {
		if (received === 'undefined' || expected?.startsWith('"')) return 'is missing';
		return `must be ${kinds[expected ?? ''] ?? choice(expected ?? '')}`;
	}
	if (type === 'url') return 'is not a URL';
	if (type === 'min_length') return 'is empty';
	if (type === 'max_length') return `is longer than ${requirement} characters`;
	return message;
}

/** `("a" | "b" | "c")` as a person would say it: a, b or c. */
function choice(expected: string): string {
	return expected
		.replace(/[()"]/g, '')
		.replaceAll(' | ', ', ')
		.replace(/, (?=[^,]*$)/, ' or ');
}
