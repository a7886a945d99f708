import type { AddTool } from '../context.js';
import { data, fields, next } from '../fields.js';
import { page, telling } from '../results.js';

export const listRecords: AddTool = (server, { records }) =>
	server.registerTool(
		'list_records',
		{
			title: 'What arrived',
			description: `What is here: each source with the patient and when it was read, how many records of each type, the documents, what could not be read and what is from an older reading. Look at it first. "Could not be read" never means that there is nothing: say so when you answer about it. ${data}`,
			inputSchema: fields({ next }),
			annotations: { readOnlyHint: true, openWorldHint: false },
		},
		telling(async ({ next }, { signal }) => page(await (await records.answers()).until(signal).list(next))),
	);
