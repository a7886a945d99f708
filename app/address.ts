/** An address on this very machine, where there is no network to listen on. */
const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/** What is wrong with a FHIR base URL as typed, in the worker's codes; null where the worker would take it. */
export function addressFault(text: string): 'url_invalid' | 'url_insecure' | null {
	if (!URL.canParse(text)) return 'url_invalid';
	const { protocol, hostname, username, password } = new URL(text);
	if (username || password || !/^https?:$/.test(protocol)) return 'url_invalid';
	return protocol === 'https:' || LOOPBACK.test(hostname) ? null : 'url_insecure';
}
