import * as z from 'zod';
import type { AddTool } from '../context.js';
import { code, data, fields, from, next, source, to } from '../fields.js';
import { page, telling } from '../results.js';

export const labTrend: AddTool = (server, { records }) =>
	server.registerTool(
		'lab_trend',
		{
			title: 'Trend of a lab or vital sign',
			description: `The values of one lab or vital sign over time, oldest first, with units, reference ranges and flags as the lab gave them. Name it by code (surest) or by words. Mind the units: those of two sources may differ. ${data}`,
			inputSchema: fields({
				code,
				text: z
					.string()
					.min(1)
					.max(300)
					.optional()
					.describe('Words of its name, where the code is not known. Example: hemoglobin a1c'),
				source,
				from,
				to,
				next,
			}),
			annotations: { readOnlyHint: true, openWorldHint: false },
		},
		telling(async (query, { signal }) => page(await (await records.answers()).until(signal).trend(query))),
	);
