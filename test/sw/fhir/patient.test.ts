import { describe, expect, test } from 'vitest';
import { isForeign, patientSummary } from '../../../sw/fhir/patient.js';

const base = 'https://ehr.example/fhir';
const summary = (patient: object) => patientSummary(JSON.stringify({ resourceType: 'Patient', ...patient }));

describe('the summary of a patient', () => {
	test('has the official name, though another comes first', () => {
		const name = [
			{ use: 'old', family: 'Before' },
			{ family: 'Plain' },
			{ use: 'usual', text: 'Zoë' },
			{ use: 'official', prefix: ['Dr.'], given: ['Zoë', 'Ａ'], family: 'Ñandú-李' },
		];
		expect(summary({ name, birthDate: '1984-02-29' })).toEqual({
			name: 'Dr. Zoë Ａ Ñandú-李',
			birthDate: '1984-02-29',
		});
		expect(summary({ name: name.slice(0, 3) })).toEqual({ name: 'Zoë' });
		expect(summary({ name: name.slice(0, 2) })).toEqual({ name: 'Plain' });
		expect(summary({ name: name.slice(0, 1) })).toEqual({ name: 'Before' });
	});

	test('skips names without words, and birth dates that are none', () => {
		expect(
			summary({ name: [{ use: 'official', given: [null, 7] }, { text: ' A\n B ' }], birthDate: 'long ago' }),
		).toEqual({
			name: 'A B',
		});
		expect(summary({ name: 'x' })).toEqual({});
	});

	test('cuts a long name between characters', () => {
		expect(summary({ name: [{ text: '😀'.repeat(300) }] })?.name).toBe('😀'.repeat(200));
	});

	test.each(['', '<html>', '[]', '{"resourceType":"Observation"}'])('is null for %s', (text) => {
		expect(patientSummary(text)).toBeNull();
	});
});

describe('a resource of another patient', () => {
	const to = (reference: string) => ({ reference });
	test.each([
		['a Patient with another id', { resourceType: 'Patient', id: 'p2' }],
		['a relative subject', { subject: to('Patient/p2') }],
		['a versioned patient', { patient: to('Patient/p2/_history/3') }],
		['an absolute beneficiary', { beneficiary: to(`${base}/Patient/p2`) }],
		['a DSTU2 MedicationOrder’s patient', { resourceType: 'MedicationOrder', patient: to('Patient/p2') }],
		['a DSTU2 DiagnosticOrder’s subject', { resourceType: 'DiagnosticOrder', subject: to(`${base}/Patient/p2`) }],
		['every one of several subjects', { subject: [to('Patient/p2'), to('Patient/p3')] }],
		['a task’s owner', { resourceType: 'Task', for: to('Patient/p2') }],
		['a subject in another spelling: from the root', { subject: to('/Patient/p2') }],
		['a subject in another spelling: ending in a slash', { subject: to('Patient/p2/') }],
		['a subject in another spelling: with a query', { subject: to('Patient/p2?_format=json') }],
		['a subject in another spelling: with a fragment', { subject: to('Patient/p2#x') }],
		['a subject in another spelling: absolute, with a query', { subject: to(`${base}/Patient/p2?_format=json`) }],
		['a subject whose id is not one of FHIR’s', { subject: to('Patient/p_2') }],
		['its patient, though its subject is ours', { subject: to('Patient/p1'), patient: to('Patient/p2') }],
		['who is allowed to see a document', { resourceType: 'Binary', securityContext: to('Patient/p2') }],
		['the members of a group', { resourceType: 'Group', member: [{ entity: to('Patient/p2') }] }],
		['whom a Person is linked to', { resourceType: 'Person', link: [{ target: to('Patient/p2') }] }],
		['what a Provenance is of', { resourceType: 'Provenance', target: [to('Patient/p2')] }],
		['whose schedule it is', { resourceType: 'Schedule', actor: [to('Patient/p2')] }],
		['to whom it was sent', { resourceType: 'Communication', recipient: [to('Patient/p2')] }],
		['only other participants', { participant: [{ actor: to('Patient/p2') }, { actor: to('Practitioner/1') }] }],
	])('is known by %s', (_, resource) => {
		expect(isForeign({ resourceType: 'Observation', ...resource }, 'p1', base)).toBe(true);
	});
	test.each([
		['the Patient', { resourceType: 'Patient', id: 'p1' }],
		['its own', { subject: to('Patient/p1') }],
		['its own, absolute and versioned', { subject: to(`${base}/Patient/p1/_history/2`) }],
		['one without a patient', { resourceType: 'Practitioner' }],
		['one of a group', { subject: to('Group/p2') }],
		['one whose subject is contained', { subject: to('#p2') }],
		['one whose subject is only identified', { subject: { identifier: { value: 'p2' } } }],
		['its own, in another spelling', { subject: to(`${base}/Patient/p1/?_format=json#x`) }],
		['one of another server’s patient', { subject: to('https://elsewhere.example/fhir/Patient/p2') }],
		['an account of a family', { resourceType: 'Account', subject: [to('Patient/p2'), to('Patient/p1')] }],
		['one whose mother is a patient too', { patient: to('Patient/p1'), performer: [to('Patient/p2')] }],
		['an insurance through a parent', { beneficiary: to('Patient/p1'), subscriber: to('Patient/p2') }],
		['a message to a parent', { subject: to('Patient/p1'), recipient: [to('Patient/p2')] }],
		['an encounter at which a mother was', { subject: to('Patient/p1'), participant: [{ actor: to('Patient/p2') }] }],
		['a Provenance of a resource', { resourceType: 'Provenance', target: [to('Observation/p2')] }],
		['one with the patient among others', { participant: [{ actor: to('Patient/p2') }, { actor: to('Patient/p1') }] }],
	])('is not %s', (_, resource) => {
		expect(isForeign({ resourceType: 'Observation', ...resource }, 'p1', base)).toBe(false);
	});
});
