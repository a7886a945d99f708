/** Errors, for people at a terminal; programs read the code. */
import { PROGRAM } from './commands/program.js';
import type { AgentError, AgentErrorCode } from './errors.js';

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
	delivery_too_large: 'What was sent is larger than is taken here. No records were kept. Ask anew, and for less.',
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
	interrupted: 'Interrupted. What was not yet complete was not kept.',
	internal: 'A fault in the program.',
};

const GO_ON = `The session goes on: take it up with "${PROGRAM} resume --out DIR" while it lives.`;

/** What exactly is wrong, where an error says so. */
const precisely: Partial<Record<AgentErrorCode, (detail: string) => string>> = {
	usage: (detail) => `${detail.charAt(0).toUpperCase()}${detail.slice(1)}. See --help.`,
	relay_url_invalid: (detail) => `The address of the relay: ${detail}.`,
	output_failed: (detail) => `The folder cannot be written; ${detail}.`,
	no_records: (detail) => `There are no records in this folder yet: ${detail}.`,
	query_invalid: (detail) => `The question cannot be answered as it was put: ${detail}.`,
};

/** @param resumable whether the session goes on */
export function wordsFor({ code, detail, correlationId }: AgentError, resumable: boolean): string {
	const said = detail ? (precisely[code]?.(detail) ?? `${words[code].replace(/\.$/, '')}: ${detail}.`) : words[code];
	const reference = correlationId ? ` Reference for who runs the relay: ${correlationId}.` : '';
	return `${said}${reference}${code === 'interrupted' && resumable ? ` ${GO_ON}` : ''}`;
}
