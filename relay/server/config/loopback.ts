/** Plain http is for this machine alone. */

export function isLoopback({ hostname }: Pick<URL, 'hostname'>): boolean {
	return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}

/** Why nothing may be sent to that URL, in the words of a configuration's mistake; null where it may. */
export function insecure(text: string): string | null {
	const url = new URL(text);
	if (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url))) return null;
	return `${url.protocol === 'http:' ? 'is http, which is for this machine only; ' : ''}must begin with https://`;
}
