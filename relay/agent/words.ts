import { isGap, type QueryReport } from '../contract.js';
import { PROGRAM } from './commands/program.js';
import type { AgentError, AgentErrorCode } from './errors.js';
import type { SourceEntry } from './files/records.js';

const words: Record<AgentErrorCode, string> = {
	usage: 'The command is not understood. See --help.',
	relay_url_invalid: 'The relay must be an https origin (or http on this machine), such as https://satchel.example.',
	request_invalid:
		'Say who asks (1 to 200 characters) and why (up to 1000), and name what is wanted as resource types: Condition,Observation.',
	relay_unreachable: 'The relay does not answer. Is its address right, and the network up?',
	relay_unavailable: 'The relay has trouble of its own. Try again later.',
	relay_busy: 'The relay asks for patience. Try again later.',
	relay_refused: 'The relay refused the request.',
	relay_invalid: 'What answers at this address is not a Satchel relay, or something in between answers for it.',
	session_not_found: 'The relay does not know this session. Ask anew.',
	session_gone: 'The session is over: expired, deleted, or received already. Ask anew.',
	session_expired: 'Nothing was sent before the session expired. Ask anew.',
	manifest_invalid: 'What was sent is not of this session, or was altered. No records were kept.',
	part_missing: 'A part of what was sent is missing at the relay. No records were kept.',
	part_invalid: 'A part of what was sent was altered or is out of place. No records were kept.',
	stream_invalid: 'What was sent does not unpack into FHIR resources. No records were kept.',
	count_mismatch: 'What was sent is not as much as its manifest says. No records were kept.',
	delivery_too_large: 'What was sent is larger than the agent takes. No records were kept.',
	session_file_exists: 'A session is under way in this folder. Go on with "resume", or end it with "cancel".',
	session_file_missing: 'There is no session file here. Start with "request".',
	session_file_unsafe: 'Others could read or write the session file (wanted: mode 0600, your own, no link). Not used.',
	session_file_invalid: 'The session file cannot be read as one.',
	output_exists: 'The folder holds a delivery already. Choose another, or replace it with --force.',
	output_unsafe: 'Others could write into this folder. Choose another, or take the permission away (chmod 700).',
	output_failed: 'The folder cannot be written: is the disk full, or the path wrong?',
	no_records: 'There are no records in this folder. Ask for some with "request".',
	records_damaged: 'The records in this folder are not as they were written: something changed or removed files.',
	ref_unknown: 'There is no resource or document of that name here. "search" and "list" give names.',
	query_invalid: 'The question cannot be answered as it was put.',
	interrupted: 'Interrupted. No records were kept.',
	internal: 'A fault in the program. No records were kept.',
};

const GO_ON = `The session was: go on with "${PROGRAM} resume --out DIR" while it lives.`;

/** What a person at the terminal reads; programs read the code. */
export function wordsFor({ code, detail }: AgentError, resumable: boolean): string {
	if (code === 'usage' && detail) return `${detail.charAt(0).toUpperCase()}${detail.slice(1)}. See --help.`;
	if (code === 'relay_url_invalid' && detail) return `The address of the relay: ${detail}.`;
	if (code === 'query_invalid' && detail) return `The question cannot be answered as it was put: ${detail}.`;
	return code === 'interrupted' && resumable ? `${words[code]} ${GO_ON}` : words[code];
}

/**
 * What a source brought, and what it did not, a line each: kinds of resources, which hold no id of a patient. A kind of
 * which one query of several failed is named too.
 */
export function wordsForSource({ name, resources, fetchedAt, queries }: SourceEntry): string[] {
	const [failed, refused, kept] = (['failed', 'refused', 'kept'] as const).map((how) =>
		queries.filter((query) => missing(query) === how),
	) as [QueryReport[], QueryReport[], QueryReport[]];
	const count = resources === 1 ? '1 record' : `${resources} records`;
	const at = timesOf([fetchedAt, ...kept.map(({ keptFrom }) => keptFrom)]);
	const lines = [`${printable(name)}: ${count}${at(fetchedAt, ', read on ')}.`];
	if (failed.length > 0)
		lines.push(`  Could not be read (which does not mean that there is nothing): ${kinds(failed)}.`);
	if (refused.length > 0) lines.push(`  The provider does not allow reading: ${kinds(refused)}.`);
	if (kept.length > 0) lines.push(`  Could not be read this time, and is from an older reading: ${kinds(kept, at)}.`);
	return lines;
}

function missing(report: QueryReport): 'kept' | 'refused' | 'failed' | 'no' {
	if (report.keptFrom !== undefined && !report.optional) return 'kept';
	if (!isGap(report)) return 'no';
	return report.status === 'refused' ? 'refused' : 'failed';
}

/** `Condition, Goal`, each once, and with `at` the time of each reading: `Condition (2026-11-19)`. */
function kinds(queries: QueryReport[], at?: Times): string {
	const named = queries.map(({ query, keptFrom }) => {
		const kind = /^[A-Za-z]{1,64}(?=[/?]|$)/.exec(query)?.[0] ?? 'something else';
		return at ? kind + at(keptFrom, ' (', ')') : kind;
	});
	return [...new Set(named)].sort().join(', ');
}

type Times = (time: string | undefined, before: string, after?: string) => string;

const DAY = 'YYYY-MM-DD'.length;

/**
 * Says when something was read: the day, and where readings of one day are told apart, the minute. A time that is none is
 * not said: it is a stranger's words.
 */
function timesOf(all: (string | undefined)[]): Times {
	const times = new Set(all.flatMap((time) => localTime(time) ?? []));
	const days = new Set([...times].map((time) => time.slice(0, DAY)));
	const length = days.size < times.size ? undefined : DAY;
	return (time, before, after = '') => {
		const local = localTime(time)?.slice(0, length);
		return local ? before + local + after : '';
	};
}

/** `2026-11-22 14:05`, by this machine's clock; null for what is no ISO 8601 time. */
export function localTime(time: string | undefined): string | null {
	const at = new Date(time !== undefined && /^\d{4}-\d{2}-\d{2}(?:T|$)/.test(time) ? time : Number.NaN);
	if (Number.isNaN(at.getTime())) return null;
	const two = (value: number) => String(value).padStart(2, '0');
	const day = [at.getFullYear(), two(at.getMonth() + 1), two(at.getDate())].join('-');
	return `${day} ${two(at.getHours())}:${two(at.getMinutes())}`;
}

/** A stranger's name, without what a terminal would obey or show out of order. */
function printable(text: string): string {
	return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\uFFFD');
}
