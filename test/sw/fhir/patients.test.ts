import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readCapability } from '../../../sw/fhir/capability.js';
import { totals } from '../../../sw/fhir/report.js';
import { oneLine, resourceSpans } from '../../../sw/fhir/spans.js';
import { drive, keys } from './drive.js';
import { fakeServer, utf8 } from './server.js';

const folder = new URL('../../../../shared/data/patients/', import.meta.url);
const here = existsSync(folder);
if (!here) console.warn('../shared/data/patients is not here: no real patient is collected');
const files = here ? readdirSync(folder).filter((name) => name.endsWith('.json')) : ['(none)'];

type Resource = { resourceType: string; id: string; [more: string]: unknown };

describe.skipIf(!here).each(files)('%s', (file) => {
	const octets = here ? readFileSync(new URL(file, folder)) : utf8('{"entry":[]}');
	const text = new TextDecoder().decode(octets);
	const resources: Resource[] = JSON.parse(text).entry.map(({ resource }: { resource: Resource }) => resource);

	test('is found resource by resource in the text, with no value changed', () => {
		const spans = resourceSpans(octets);
		expect(spans).toHaveLength(resources.length);
		spans.forEach((span, i) => {
			expect(span && JSON.parse(new TextDecoder().decode(oneLine(octets.subarray(span[0], span[1]))))).toEqual(
				resources[i],
			);
		});
	});

	test('is collected whole from a server that has the types that are in it', () => {
		// References as a server has them, where the file has a transaction's.
		const types = new Map(resources.map(({ id, resourceType }) => [id, resourceType]));
		const served: Resource[] = JSON.parse(
			JSON.stringify(resources).replace(/urn:uuid:([0-9a-f-]{36})/g, (all, id) =>
				types.has(id) ? `${types.get(id)}/${id}` : all,
			),
		);
		const patientId = served.find(
			({ resourceType, id }) => resourceType === 'Patient' && (file[0] !== 'u' || id === 'example'),
		)?.id;
		const capability = readCapability({
			resourceType: 'CapabilityStatement',
			rest: [
				{
					resource: [...new Set(types.values())].map((type) => ({
						type,
						searchParam: [{ name: 'patient' }, { name: '_id' }],
					})),
				},
			],
		});
		const { state, lines, finish } = drive(fakeServer(served, [], 50), { patientId: patientId ?? '', capability });
		expect(new Set(lines).size).toBe(lines.length);
		expect(totals(state).resources).toBe(lines.length);
		const got = new Set(keys(lines));
		const missing = served.filter((one) => {
			const named = (one.subject ?? one.patient) as { reference?: string } | undefined;
			return named?.reference === `Patient/${patientId}` && !got.has(`${one.resourceType}/${one.id}`);
		});
		expect(missing.map((one) => `${one.resourceType}/${one.id}`)).toEqual([]);
		if (file[0] !== 'u') {
			expect(got.size).toBe(served.length);
			expect(finish).toEqual([]);
		}
	});
});
