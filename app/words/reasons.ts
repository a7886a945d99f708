/** Why something could not be read, in plain words; the codes are those of `QueryReport.reason`. */

const WORDS = {
	refused: 'the provider does not give this out',
	notGranted: 'the access that you gave does not include it',
	unsupported: 'the provider’s system does not offer it',
	broken: 'the provider’s system had an error',
	busy: 'the provider’s system was too busy',
	late: 'no answer came in time',
	unreachable: 'the provider’s system could not be reached',
	large: 'it is larger than Satchel can take',
	other: 'it was about another patient, and was set aside',
	elsewhere: 'the answer led to another server, which is not given your access',
	notCopied: 'it is not in the copy',
	unsearched: 'it comes only with other records that mention it',
	left: 'you went on without the rest',
	endless: 'the provider’s list came round in a circle',
	garbled: 'the answer could not be understood',
} as const;

const BY_CODE: Record<string, keyof typeof WORDS> = {
	http_401: 'refused',
	http_403: 'refused',
	refused: 'refused',
	outcome_forbidden: 'refused',
	outcome_security: 'refused',
	outcome_suppressed: 'refused',
	outcome_login: 'refused',
	not_granted: 'notGranted',
	not_offered: 'unsupported',
	outcome_not_supported: 'unsupported',
	http_408: 'late',
	http_504: 'late',
	timeout: 'late',
	outcome_timeout: 'late',
	http_429: 'busy',
	rate_limited: 'busy',
	outcome_throttled: 'busy',
	outcome_too_costly: 'large',
	http_413: 'large',
	too_large: 'large',
	too_many: 'large',
	too_many_pages: 'large',
	outcome_too_long: 'large',
	network: 'unreachable',
	offline: 'unreachable',
	cors: 'unreachable',
	provider_unavailable: 'broken',
	other_patient: 'other',
	other_origin: 'elsewhere',
	next_other_origin: 'elsewhere',
	redirected: 'elsewhere',
	not_in_copy: 'notCopied',
	not_searched: 'unsearched',
	left_out: 'left',
	next_loop: 'endless',
	page_repeated: 'endless',
};

function reasonWords(code: string): string {
	const known = Object.hasOwn(BY_CODE, code) ? BY_CODE[code] : undefined;
	if (known) return WORDS[known];
	if (/^http_5/.test(code) || /^outcome_(exception|transient|no_store|lock_error|incomplete)$/.test(code))
		return WORDS.broken;
	return /^http_4/.test(code) ? WORDS.unsupported : WORDS.garbled;
}

/** "no answer came in time; the provider’s system had an error", each reason once; empty where none is known. */
export function reasonsWords(codes: string[] = []): string {
	return [...new Set(codes.map(reasonWords))].join('; ');
}
