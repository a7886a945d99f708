import * as z from 'zod';
import type { AddTool } from '../context.js';
import { data, fields, next } from '../fields.js';
import { page, telling } from '../results.js';

export const readRecord: AddTool = (server, { records }) =>
	server.registerTool(
		'read_record',
		{
			title: 'Read one record or document',
			description: `One resource in full, or the text of one document (PDF, C-CDA, HTML, RTF, plain text), by the ref that search_records or list_records gave. Where a document has no text that can be read, it says why. ${data}`,
			inputSchema: fields({
				ref: z
					.string()
					.min(1)
					.max(1000)
					.describe(
						'As it was given, unchanged. Example: 01-lakeside-health/Observation/abc, or 01-lakeside-health/documents/2019-03-02 Discharge summary.rtf',
					),
				next,
			}),
			annotations: { readOnlyHint: true, openWorldHint: false },
		},
		telling(async ({ ref, next }, { signal }) => page(await (await records.answers()).until(signal).read(ref, next))),
	);
