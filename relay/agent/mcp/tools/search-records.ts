import * as z from 'zod';
import { SECTIONS } from '../../clinical/fact.js';
import type { AddTool } from '../context.js';
import { code, data, fields, from, next, source, to } from '../fields.js';
import { page, telling } from '../results.js';

export const searchRecords: AddTool = (server, { records }) =>
	server.registerTool(
		'search_records',
		{
			title: 'Search the records',
			description: `Finds records by kind, code, words and date, all of which must hold; a line each, newest first, with the ref that read_record takes. Nothing found means that nothing here matches; list_records tells what could not be read and may be missing. ${data}`,
			inputSchema: fields({
				text: z
					.string()
					.min(1)
					.max(300)
					.optional()
					.describe('Words that must all occur, whatever their case or accents. Example: penicillin'),
				kind: z
					.string()
					.regex(/^[A-Za-z]{1,64}$/, 'must be a resource type such as Observation, or a section such as labs')
					.optional()
					.describe(
						`A FHIR resource type, or a section of the summary: ${SECTIONS.join(', ')}. Example: Observation, or labs`,
					),
				code,
				source,
				from,
				to,
				next,
			}),
			annotations: { readOnlyHint: true, openWorldHint: false },
		},
		telling(async (query, { signal }) => page(await (await records.answers()).until(signal).search(query))),
	);
