import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type RelayConfig, relayConfig } from '../../../relay/server/config/config.js';
import { originOf } from '../../../relay/server/config/origin.js';
import { startWarnings } from '../../../relay/server/config/warnings.js';
import { temporaryDirectory } from './support.js';

/** A relay of which nothing is to be said, but for `given`. */
function warningsOf(given: Partial<RelayConfig>) {
	const [appDir, skillDir] = [temporaryDirectory(), temporaryDirectory()];
	writeFileSync(join(appDir, 'index.html'), '');
	writeFileSync(join(skillDir, 'SKILL.md'), '');
	const providers = [{ id: 'a', name: 'A', fhirBaseUrl: 'https://a.example/fhir', clientId: 'c' }];
	return startWarnings(relayConfig({ appDir, skillDir, providers, ...given }));
}

describe('a relay that starts', () => {
	test.each(['localhost', '127.0.0.1', '127.1.2.3', '::1'])('for this machine alone (%s) warns of nothing', (host) => {
		expect(warningsOf({ host })).toEqual([]);
	});

	test.each([
		['0.0.0.0', 'http://localhost:8787'],
		['::', 'http://localhost:8787'],
		['192.0.2.1', 'http://192.0.2.1:8787'],
		['2001:db8::1', 'http://[2001:db8::1]:8787'],
	])('for others on %s warns where nobody said what its address is', (host, origin) => {
		expect(originOf(relayConfig({ host }))).toBe(origin);
		const [warning, ...more] = warningsOf({ host });
		expect(warning).toContain(`HOST=${host} `);
		expect(warning).toMatch(new RegExp(`${origin.replaceAll(/[[\]]/g, '\\$&')}$`));
		expect(more).toEqual([]);
		expect(warningsOf({ host, baseUrl: 'https://satchel.example' })).toEqual([]);
	});

	test('warns of what it has not got: providers, the app, the skill', () => {
		expect(warningsOf({ providers: [] })).toEqual([expect.stringContaining('PROVIDERS')]);
		const empty = join(temporaryDirectory(), 'empty');
		mkdirSync(empty);
		expect(warningsOf({ appDir: empty })).toEqual([`APP_DIR=${empty} has no built app in it`]);
		expect(warningsOf({ skillDir: empty })).toEqual([`SKILL_DIR=${empty} has no built skill in it`]);
	});
});

test('the origin is the one people see, where that is configured', () => {
	expect(originOf(relayConfig({ baseUrl: 'https://satchel.example', host: '0.0.0.0' }))).toBe(
		'https://satchel.example',
	);
	expect(originOf(relayConfig({ port: 9000 }))).toBe('http://localhost:9000');
});
