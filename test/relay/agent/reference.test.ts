import { expect, test } from 'vitest';
import { attachedBinary, localReference } from '../../../relay/agent/library/reference.js';

const source = { fhirBaseUrl: 'https://ehr.example/fhir/R4/' };

test.each([
	['Medication/1', 'Medication/1'],
	['Medication/a_b.c-d', 'Medication/a_b.c-d'],
	['Medication/1/', 'Medication/1'],
	['Medication/1/_history/3', 'Medication/1'],
	['https://ehr.example/fhir/R4/Medication/1', 'Medication/1'],
	['https://ehr.example/fhir/R4/Medication/1/_history/3', 'Medication/1'],
	['HTTPS://EHR.example:443/fhir/R4/Medication/1', 'Medication/1'],
	['/fhir/R4/Medication/1', 'Medication/1'],
	['https://elsewhere.example/fhir/R4/Medication/1', null],
	['https://ehr.example/fhir/DSTU2/Medication/1', null],
	['https://ehr.example/fhir/R4/../DSTU2/Medication/1', null],
	['http://ehr.example/fhir/R4/Medication/1', null],
	['//elsewhere.example/fhir/R4/Medication/1', null],
	['https://ehr.example/fhir/R4/https://elsewhere.example/Medication/1', null],
	['#contained', null],
	['Medication/1#contained', null],
	['Medication?code=1', null],
	['urn:uuid:0f6ad6a5-7d35-4d1c-a1fc-2ac5a1e5a4a0', null],
	[`Medication/${'x'.repeat(129)}`, null],
	[{ reference: 'Medication/1' }, null],
])('%j means %j', (reference, local) => {
	expect(localReference(reference, source)).toBe(local);
});

test.each([
	['Binary/1', '1'],
	['https://ehr.example/fhir/R4/Binary/1/_history/2', '1'],
	['https://ehr.example/documents/Binary/a_1?sig=x', 'a_1'],
	['https://elsewhere.example/fhir/R4/Binary/1', null],
	['https://ehr.example/letter.pdf', null],
	[undefined, null],
])('the attachment at %j is the Binary %j', (address, id) => {
	expect(attachedBinary(address, source)).toBe(id);
});
