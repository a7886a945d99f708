import { describe, expect, test } from 'vitest';
import { readCapability } from '../../../sw/fhir/capability.js';
import { startCollect } from '../../../sw/fhir/collect.js';
import { report } from '../../../sw/fhir/report.js';
import { allows, readScopes } from '../../../sw/fhir/scopes.js';
import { searches } from '../../../sw/fhir/searches.js';
import type { CollectState } from '../../../sw/fhir/state.js';
import { vendorFhir, vendorKeys } from '../../../sw/fhir/vendors.js';

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

describe('the plan for an older version', () => {
	const can = (...searchParams: string[]) => ({ read: true, search: true, searchParams });
	const older = (fhirVersion: string | null) =>
		start({
			capability: {
				fhirVersion,
				resources: {
					Condition: can('patient', 'category', 'clinicalstatus'),
					MedicationOrder: can('patient'),
					CarePlan: can('patient', 'category'),
				},
			},
		});

	test('is of DSTU2 where the server is: its types, its categories, its media type', () => {
		const state = older('1.0.2');
		expect(state.accept).toBe('application/json+fhir');
		expect(state.queries.map(({ query }) => query)).toEqual([
			'Patient/p1',
			'Condition?patient=p1',
			'CarePlan?patient=p1',
			'CarePlan?patient=p1&category=careteam,longitudinal,encounter',
			'MedicationOrder?patient=p1',
		]);
		expect(state.queries[1]?.fans?.map(({ param, values }) => [param, values[0]])).toEqual([
			['category', 'problem'],
			['clinicalstatus', 'active'],
		]);
	});

	test.each(['3.0.1', '4.0.1', '4.3.0', null])('is of R4 for %s, with the types that the server lists', (version) => {
		const state = older(version);
		expect(state.accept).toBe('application/fhir+json');
		expect(state.queries.map(({ query }) => query)).toEqual([
			'Patient/p1',
			'Condition?patient=p1',
			'CarePlan?patient=p1',
			'MedicationOrder?patient=p1',
		]);
	});
});

describe('a search in pieces', () => {
	const pieces = (state: CollectState, type: string) =>
		state.queries
			.filter(({ type: of, parent }) => of === type && parent)
			.map(({ query, rest }) => [query, rest ?? false]);

	test('asks besides, in one request, for every status, where the pieces are no more than known categories', () => {
		const state = start({ vendor: { required: { CarePlan: 'category' } } });
		expect(pieces(state, 'CarePlan')).toEqual([
			['CarePlan?patient=p1&category=assess-plan', false],
			['CarePlan?patient=p1&category=http%3A%2F%2Fsnomed.info%2Fsct%7C', false],
			['CarePlan?patient=p1&status=active,completed,draft,on-hold,revoked,unknown,entered-in-error', true],
		]);
	});

	test('asks for nothing besides where the pieces are every code there is', () => {
		const state = start({ vendor: { required: { MedicationRequest: 'intent' } } });
		expect(pieces(state, 'MedicationRequest')).toHaveLength(8);
		expect(pieces(state, 'MedicationRequest').every(([, rest]) => rest === false)).toBe(true);
	});

	test.each(searches.flatMap(({ type, fans = [] }) => fans.map((fan) => [type, fan.param, fan] as const)))(
		'of %s by %s names no value twice',
		(_type, _param, { values, optional = [] }) => {
			expect(new Set([...values, ...optional]).size).toBe(values.length + optional.length);
		},
	);
});

test('a scope for reading by id alone lets search only where the vendor means it so', () => {
	const scope = 'patient/Patient.r patient/Coverage.r';
	expect(types(start({ scope }))).toEqual(['Patient']);
	expect(types(start({ scope, vendor: { readSearches: true } }))).toEqual(['Patient', 'Coverage']);
});

test('the practice is named where the patient’s id tells it and the type takes it', () => {
	const vendor = vendorFhir('athenahealth');
	const asked = (patientId: string) => start({ vendor, patientId }).queries.find(({ type }) => type === 'Goal')?.query;
	expect(decodeURIComponent(asked('a-195900.E-1') ?? '')).toBe(
		'Goal?patient=a-195900.E-1&ah-practice=Organization/a-1.Practice-195900',
	);
	expect(asked('p1')).toBe('Goal?patient=p1');
});

describe('a CapabilityStatement', () => {
	test('of DSTU2 is a Conformance, and read alike', () => {
		const resource = [{ type: 'Goal', interaction: [{ code: 'search-type' }], searchParam: [{ name: 'patient' }] }];
		expect(
			readCapability({ resourceType: 'Conformance', fhirVersion: '1.0.2', rest: [{ mode: 'server', resource }] }),
		).toEqual({
			fhirVersion: '1.0.2',
			resources: { Goal: { read: false, search: true, searchParams: ['patient'] } },
		});
	});

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
	expect(report(state)).toContainEqual(
		expect.objectContaining({ query: 'Immunization', status: 'refused', count: 0, reason: 'not_granted' }),
	);
});
