import * as z from 'zod';
import { count } from '../../source-words.js';
import type { AddTool } from '../context.js';
import { telling, told } from '../results.js';

const input = z.strictObject({
	confirm: z
		.literal(true, 'must be true: the person has said that everything is to be deleted')
		.describe('true, once the person has said so. Example: true'),
});

const sessions = {
	none: 'No request was under way.',
	ended: 'The request under way was ended, and its keys are gone.',
	unreachable:
		'The request under way is over here and its keys are gone; the relay could not be told, and its link ends by itself within the hour.',
};

export const deleteRecords: AddTool = (server, { receiver, records }) =>
	server.registerTool(
		'delete_records',
		{
			title: 'Delete all records',
			description:
				'Deletes every record, document and summary that arrived on this machine, and ends a request under way. It cannot be undone; the person can send again. Use it when the person asks for it, or when their records are no longer needed and they agree. What you have read of them in this conversation is not deleted by it.',
			inputSchema: input,
			outputSchema: z.object({
				request: z.enum(['none', 'ended', 'unreachable']),
				sources: z.number().describe('Sources whose records are gone.'),
				words: z.string(),
			}),
			annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: true },
		},
		telling(async () => {
			const { session: request, sources } = await receiver.remove();
			records.forget();
			const gone =
				sources === 0 ? 'There were no records here.' : `The records of ${count(sources, 'source')} are deleted.`;
			const words = `${gone} ${sessions[request]}`;
			return told(words, { request, sources, words });
		}),
	);
