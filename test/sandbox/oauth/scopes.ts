/** SMART scopes (SMART App Launch 2.2, "Scopes and Launch Context"), both syntaxes. */
import type { AuthProfile } from '../profile.js';

const identity = ['openid', 'fhirUser', 'profile', 'offline_access', 'online_access', 'launch', 'launch/patient'];

const suffixes = { v1: ['read', '*'], v2: ['rs', 'r', 's', 'cruds'] } as const;

/** Every scope literally: what is not listed here is dropped from a request, as the specification allows. */
export function supportedScopes(profile: AuthProfile, types: string[]): string[] {
	const subjects = profile.wildcard ? ['*', ...types] : types;
	const clinical = profile.scopes.flatMap((version) =>
		subjects.flatMap((subject) => suffixes[version].map((suffix) => `patient/${subject}.${suffix}`)),
	);
	return [...identity, ...clinical];
}

/** Whether granted scopes allow to `read` or `search` a type. */
export function permits(granted: Iterable<string>, type: string, interaction: 'read' | 'search'): boolean {
	const letter = interaction === 'read' ? 'r' : 's';
	for (const scope of granted) {
		const match = /^patient\/(\*|[A-Za-z]+)\.([a-z*]+)$/.exec(scope);
		if (!match || (match[1] !== '*' && match[1] !== type)) continue;
		const access = match[2] as string;
		if (access === 'read' || access === '*') return true;
		if (/^c?r?u?d?s?$/.test(access) && access.includes(letter)) return true;
	}
	return false;
}
