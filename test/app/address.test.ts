import { describe, expect, it } from 'vitest';
import { addressFault } from '../../app/address.js';
import { checkedUrl } from '../../sw/http.js';

const cases = [
	['https://fhir.example.org/r4', null],
	['http://localhost:8788/fhir', null],
	['http://127.0.0.1:8788/fhir', null],
	['http://127.1.2.3/fhir', null],
	['http://[::1]:8788/fhir', null],
	['http://fhir.example.org/r4', 'url_insecure'],
	['http://localhost.example.org/r4', 'url_insecure'],
	['http://127.0.0.1.example.org/r4', 'url_insecure'],
	['fhir.example.org', 'url_invalid'],
	['', 'url_invalid'],
	['localhost:8788/fhir', 'url_invalid'],
	['ftp://fhir.example.org/r4', 'url_invalid'],
	['https://camila:sandbox@fhir.example.org/r4', 'url_invalid'],
] as const;

/** The worker's own verdict on the same text. */
function workerFault(text: string): unknown {
	try {
		checkedUrl(text);
		return null;
	} catch (error) {
		return (error as { code?: unknown }).code;
	}
}

describe('a FHIR base URL typed in by hand', () => {
	it.each(cases)('%s is judged %s', (text, fault) => {
		expect(addressFault(text)).toBe(fault);
	});

	it.each(cases)('%s is judged alike by the worker', (text) => {
		expect(workerFault(text)).toBe(addressFault(text));
	});
});
