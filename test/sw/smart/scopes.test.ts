import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import '../setup.js';
import { processSmartConfigurationResponse } from '../../../sw/smart/discover.js';
import { chooseScopes } from '../../../sw/smart/scopes.js';
import { answer, VENDORS } from './support.js';

const base = ['launch/patient', 'openid', 'fhirUser', 'offline_access'];
const choose = (scopesSupported: string[], capabilities: string[] = []) =>
	chooseScopes({ scopesSupported, capabilities }).split(' ');

test('a server that lists nothing is asked for everything by wildcard, in version 2', () => {
	expect(choose([])).toEqual([...base, 'patient/*.rs']);
	expect(choose([], ['permission-v1', 'permission-v2'])).toEqual([...base, 'patient/*.rs']);
});

test('a server that claims version 1 alone is asked in version 1', () => {
	expect(choose([], ['permission-v1'])).toEqual([...base, 'patient/*.read']);
});

test('a wildcard of version 2 goes before one of version 1', () => {
	expect(choose(['patient/*.read', 'patient/*.rs', 'patient/Patient.read'])).toEqual([...base, 'patient/*.rs']);
});

test('without a wildcard each type is asked for, in the version that covers more', () => {
	expect(
		choose(['patient/Patient.rs', 'patient/Observation.s', 'patient/Patient.read', 'patient/Observation.read']),
	).toEqual([...base, 'patient/Observation.read', 'patient/Patient.read']);
	expect(choose(['patient/Patient.rs', 'patient/Patient.read'])).toEqual([...base, 'patient/Patient.rs']);
});

test('types that the wallet does not read are not asked for', () => {
	expect(choose(['patient/Patient.rs', 'patient/Account.rs', 'patient/Patient.write', 'user/Observation.rs'])).toEqual([
		...base,
		'patient/Patient.rs',
	]);
});

test('where only online access is offered, it is asked for', () => {
	expect(choose(['online_access', 'patient/*.rs'])).toContain('online_access');
	expect(choose(['online_access', 'offline_access', 'patient/*.rs'])).toContain('offline_access');
});

/** What is chosen from the vendors' own documents, and why. */
const CHOSEN: [file: string, why: string, reading: string | { suffix: string; has: string[]; also?: string[] }][] = [
	[
		'epic-smart-configuration.json',
		'lists no scopes for data: the wildcard, in version 2 as its capabilities say',
		'patient/*.rs',
	],
	['nextgen-enterprise-smart-configuration.json', 'lists only patient/*.*, which is version 1', 'patient/*.read'],
	[
		'meditech-greenfield-smart-configuration.json',
		'has the wildcard in version 1 alone; its version 2 lacks Patient, Observation and Condition as .rs',
		'patient/*.read',
	],
	['veradigm-allscripts-smart-configuration.json', 'has both wildcards: version 2', 'patient/*.rs'],
	[
		'oracle-cerner-smart-configuration-patient.json',
		'no wildcard, and Observation is .s alone in version 2: version 1, type by type',
		{ suffix: 'read', has: ['Patient', 'Observation', 'Condition', 'DocumentReference', 'DiagnosticReport'] },
	],
	[
		'oracle-cerner-smart-configuration-provider.json',
		'version 2 is mostly .crus: version 1, type by type',
		{ suffix: 'read', has: ['Patient', 'Observation', 'Condition', 'DocumentReference'] },
	],
	[
		'eclinicalworks-smart-configuration.json',
		'patient/*.* stands beside single types and does not grant reading; version 2 covers more, with .r where a type has no more',
		{
			suffix: 'rs',
			has: ['Patient', 'Observation', 'Condition', 'DocumentReference'],
			also: ['Binary.r', 'Coverage.r'],
		},
	],
];

describe.skipIf(!existsSync(VENDORS))('from the documents of real vendors', () => {
	test.each(CHOSEN)('%s %s', (file, _why, reading) => {
		const config = processSmartConfigurationResponse(
			answer(readFileSync(new URL(file, VENDORS))),
			'https://fhir.test/r4',
		);
		const chosen = chooseScopes(config).split(' ');
		expect(chosen.slice(0, 4)).toEqual(base);
		if (typeof reading === 'string') expect(chosen.slice(4)).toEqual([reading]);
		else {
			const suffixes = reading.also ? /\.(?:rs|r)$/ : new RegExp(`\\.${reading.suffix}$`);
			expect(chosen.slice(4).every((scope) => suffixes.test(scope))).toBe(true);
			for (const scope of reading.also ?? []) expect(chosen).toContain(`patient/${scope}`);
			for (const type of reading.has) expect(chosen).toContain(`patient/${type}.${reading.suffix}`);
			for (const scope of chosen.slice(4)) expect(config.scopesSupported).toContain(scope);
		}
	});
});
