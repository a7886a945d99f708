import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readCapability } from '../../../sw/fhir/capability.js';
import { startCollect } from '../../../sw/fhir/collect.js';
import { report } from '../../../sw/fhir/report.js';
import { allows, readScopes } from '../../../sw/fhir/scopes.js';
import type { CollectState } from '../../../sw/fhir/state.js';
import { vendorFhir, vendorKeys } from '../../../sw/fhir/vendors.js';

const vendors = new URL('../../../../shared/data/vendors/', import.meta.url);

function describePlan(state: CollectState): string {
	const queries = state.queries.map(({ query, state: at, parent, optional, fans = [] }) => {
		const otherwise = fans.map(({ param }) => param).join(', then ');
		const note = at.is === 'fanned' ? '   asked in pieces:' : otherwise && `   else by ${otherwise}`;
		return `${parent ? '  ' : ''}${decodeURIComponent(query)}${optional ? '   (optional)' : ''}${note}`;
	});
	const references = Object.entries(state.fetchable).map(([type, how]) => `${type}: ${how}`);
	return [...queries, '', ...references, `Binary: ${state.binaries ? 'read' : 'not asked'}`, ''].join('\n');
}

const start = (more: Partial<Parameters<typeof startCollect>[0]> = {}) =>
	startCollect({
		fhirBaseUrl: 'https://ehr.example/fhir/',
		patientId: 'p1',
		scope: '',
		capability: null,
		vendor: {},
		...more,
	});
const types = (state: CollectState) => [...new Set(state.queries.map(({ type }) => type))];

describe('the plan for a real server', () => {
	const files = [
		['epic', 'epic-capabilitystatement.json'],
		['oracle', 'oracle-cerner-capabilitystatement.json'],
		['eclinicalworks', 'eclinicalworks-healow-capabilitystatement.json'],
		['nextgen', 'nextgen-enterprise-capabilitystatement.json'],
		['veradigm', 'veradigm-allscripts-capabilitystatement.json'],
		['meditech', 'meditech-greenfield-capabilitystatement.json'],
	] as const;
	if (!existsSync(vendors)) console.warn('../shared/data/vendors is not here: no plan for a real server is checked');

	test.skipIf(!existsSync(vendors)).each(files)('%s has not changed', async (key, file) => {
		const capability = readCapability(JSON.parse(readFileSync(new URL(file, vendors), 'utf8')));
		expect(capability?.fhirVersion).toBe('4.0.1');
		const state = start({ capability, vendor: vendorFhir(key) });
		await expect(describePlan(state)).toMatchFileSnapshot(`plans/${key}.txt`);
	});

	test('without a CapabilityStatement has not changed', async () => {
		await expect(describePlan(start())).toMatchFileSnapshot('plans/unknown.txt');
	});
});

describe('the plan', () => {
	test('asks only what the scopes grant, whichever version they are of', () => {
		expect(types(start({ scope: 'launch/patient patient/Observation.read patient/Patient.read' }))).toEqual([
			'Patient',
			'Observation',
		]);
		expect(types(start({ scope: 'patient/Goal.rs patient/Condition.r user/Device.s' }))).toEqual(['Goal', 'Device']);
		expect(types(start({ scope: 'patient/*.rs openid' }))).toEqual(types(start()));
	});

	test('tries everything where the scopes say nothing about resources', () => {
		expect(types(start({ scope: 'openid fhirUser launch/patient offline_access' }))).toEqual(types(start()));
	});

	test('asks only for what is wanted, and always for the Patient', () => {
		expect(types(start({ wants: ['Immunization', 'Spaceship'] }))).toEqual(['Patient', 'Immunization']);
	});

	test('names the patient by the parameter that the server has, and leaves out what has none', () => {
		const can = (...searchParams: string[]) => ({ read: true, search: true, searchParams });
		const state = start({
			capability: {
				fhirVersion: '4.0.1',
				resources: {
					Coverage: can('beneficiary'),
					Device: can('_id'),
					Goal: can('subject', '_id'),
					Flag: can('patient'),
				},
			},
		});
		expect(state.queries.map(({ query }) => query)).toEqual([
			'Patient/p1',
			'Goal?subject=p1',
			'Coverage?beneficiary=p1',
			'Flag?patient=p1',
		]);
	});

	test('is made for every vendor, and for one that nobody knows', () => {
		for (const key of [...vendorKeys, 'nobody', '__proto__', null])
			expect(start({ vendor: vendorFhir(key) }).queries.length).toBeGreaterThan(10);
	});
});

describe('a CapabilityStatement', () => {
	test('is read past what is odd in it', () => {
		const json = {
			resourceType: 'CapabilityStatement',
			fhirVersion: 4,
			rest: [
				{ mode: 'client', resource: [{ type: 'Flag' }] },
				{
					mode: 'server',
					resource: [
						{ type: 'Goal', searchParam: [{ name: 'patient' }, null, { name: 3 }] },
						{ type: 7 },
						'x',
						{ type: 'Group', interaction: [] },
						{ type: 'Media', interaction: [{ code: 'read' }, {}], searchParam: 'none' },
					],
				},
			],
		};
		expect(readCapability(json)).toEqual({
			fhirVersion: null,
			resources: {
				Goal: { read: true, search: true, searchParams: ['patient'] },
				Group: { read: false, search: false, searchParams: [] },
				Media: { read: true, search: false, searchParams: [] },
			},
		});
	});

	test.each([null, [], 'x', {}, { resourceType: 'CapabilityStatement' }, { resourceType: 'Bundle', rest: [] }])(
		'is not %j',
		(json) => {
			expect(readCapability(json)).toBeNull();
		},
	);
});

test.each([
	['patient/Observation.read', true, true],
	['patient/Observation.*', true, true],
	['patient/*.*', true, true],
	['patient/Observation.cruds', true, true],
	['patient/Observation.rs?category=laboratory', true, true],
	['user/Observation.r', false, true],
	['patient/Observation.s', true, false],
	['patient/Observation.write', false, false],
	['patient/Observations.rs', false, false],
	['patient/Goal.rs', false, false],
])('the scope %s allows searching: %s, reading: %s', (scope, search, read) => {
	const grant = readScopes(scope);
	expect(allows(grant, 'search', 'Observation')).toBe(search);
	expect(allows(grant, 'read', 'Observation')).toBe(read);
});

test('a type that was asked for by name and is not granted is reported as refused, not left out', () => {
	const state = startCollect({
		fhirBaseUrl: 'https://ehr.test/fhir',
		patientId: 'p1',
		scope: 'patient/Patient.rs patient/Condition.rs',
		capability: null,
		vendor: {},
		wants: ['Condition', 'Immunization'],
	});
	expect(report(state)).toContainEqual({
		query: 'Immunization',
		status: 'refused',
		count: 0,
		reason: 'not_granted',
	});
});
