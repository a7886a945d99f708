/** The security headers of everything that is served. A page cached by a browser keeps the ones it came with. */
import type { RelayConfig } from '../config/config.js';

const pageDirectives = [
	"default-src 'none'",
	"script-src 'self'",
	"style-src 'self'",
	"img-src 'self'",
	"font-src 'self'",
	"connect-src 'self'",
	"manifest-src 'self'",
	"worker-src 'self'",
	"base-uri 'none'",
	"form-action 'none'",
	"frame-ancestors 'none'",
	"require-trusted-types-for 'script'",
	'trusted-types satchel',
];

/** What a page may do: it reaches no other origin, and turns no text into script but through the one policy. */
export const pagePolicy = pageDirectives.join('; ');

/** What an answer of the API may do when somebody opens it as a page. */
export const apiPolicy = "default-src 'none'; frame-ancestors 'none'";

/** What the service worker may do: it alone reaches EHRs. */
export function workerPolicy({ loopbackConnect }: Pick<RelayConfig, 'loopbackConnect'>): string {
	const connect = ["'self'", 'https:', ...loopbackConnect].join(' ');
	return `default-src 'none'; script-src 'self'; connect-src ${connect}`;
}

/** None of these is used. Only names that engines know: an unknown one is reported on the console of every page. */
const unused = [
	'accelerometer',
	'autoplay',
	'camera',
	'display-capture',
	'encrypted-media',
	'geolocation',
	'gyroscope',
	'magnetometer',
	'microphone',
	'midi',
	'payment',
	'picture-in-picture',
	'screen-wake-lock',
	'usb',
	'xr-spatial-tracking',
];

/** On every answer. HSTS only where the origin is https: on plain http it means nothing (RFC 6797, section 7.2). */
export function commonHeaders({ baseUrl }: Pick<RelayConfig, 'baseUrl'>): Record<string, string> {
	return {
		'Referrer-Policy': 'no-referrer',
		'X-Content-Type-Options': 'nosniff',
		'Cross-Origin-Opener-Policy': 'same-origin',
		'Cross-Origin-Resource-Policy': 'same-origin',
		'Permissions-Policy': unused.map((feature) => `${feature}=()`).join(', '),
		...(baseUrl?.startsWith('https:') && { 'Strict-Transport-Security': 'max-age=63072000' }),
	};
}
