import type { AgentErrorCode } from './errors.js';

/** What a person at the terminal reads; programs read the code. */
export const words: Record<AgentErrorCode, string> = {
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
	manifest_invalid: 'What was sent is not of this session, or was altered. Nothing was kept.',
	part_missing: 'A part of what was sent is missing at the relay. Nothing was kept.',
	part_invalid: 'A part of what was sent was altered or is out of place. Nothing was kept.',
	stream_invalid: 'What was sent does not unpack into FHIR resources. Nothing was kept.',
	count_mismatch: 'What was sent is not as much as its manifest says. Nothing was kept.',
	delivery_too_large: 'What was sent is larger than the agent takes. Nothing was kept.',
	session_file_exists: 'A session is under way in this folder. Go on with "resume", or delete its session file.',
	session_file_missing: 'There is no session file here. Start with "request".',
	session_file_unsafe: 'Others could read or write the session file (wanted: mode 0600, your own, no link). Not used.',
	session_file_invalid: 'The session file cannot be read as one.',
	output_exists: 'The folder holds a delivery already. Choose another, or replace it with --force.',
	output_unsafe: 'Others could write into this folder. Choose another, or take the permission away (chmod 700).',
	output_failed: 'The folder cannot be written: is the disk full, or the path wrong?',
	interrupted: 'Interrupted. Nothing was kept; "resume" goes on while the session lives.',
	internal: 'A fault in the program. Nothing was kept.',
};
