import * as z from 'zod';
import { SECTIONS } from '../../clinical/fact.js';
import type { AddTool } from '../context.js';
import { data, fields, next } from '../fields.js';
import { page, telling } from '../results.js';

export const patientSummary: AddTool = (server, { records }) =>
	server.registerTool(
		'patient_summary',
		{
			title: 'Patient summary',
			description: `Who the patient is, problems, medications, allergies with reactions, immunizations, recent labs with units, ranges and what is out of range, procedures, encounters, documents, and what could not be read; each line with its source. Made from the records by fixed rules, without a model: use it for an overview, search_records for completeness. ${data}`,
			inputSchema: fields({
				section: z
					.enum(SECTIONS)
					.optional()
					.describe('One section alone. Leave it out for the whole summary. Example: medications'),
				next,
			}),
			annotations: { readOnlyHint: true, openWorldHint: false },
		},
		telling(async ({ section, next }, { signal }) =>
			page(await (await records.answers()).until(signal).summary(section, next)),
		),
	);
