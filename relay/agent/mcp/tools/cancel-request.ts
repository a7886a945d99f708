import * as z from 'zod';
import type { AddTool } from '../context.js';
import { telling, told } from '../results.js';

const words = {
	none: 'No request was under way.',
	ended: 'The request is over: its link works no more, and its keys are gone. Records that were here before still are.',
	unreachable:
		'The request is over here and its keys are gone, so nobody can read what is sent to it. The relay could not be told: the link ends by itself within the hour. Records that were here before still are.',
};

export const cancelRequest: AddTool = (server, { receiver }) =>
	server.registerTool(
		'cancel_request',
		{
			title: 'Cancel the request',
			description:
				'Ends the request under way: its link stops working and what was sent to it is lost. Records that are here already stay. Use it when the person changes their mind, or the request was worded wrongly and is to be made anew.',
			inputSchema: z.strictObject({}),
			outputSchema: z.object({ request: z.enum(['none', 'ended', 'unreachable']), words: z.string() }),
			annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: true },
		},
		telling(async () => {
			const request = await receiver.cancel();
			return told(words[request], { request, words: words[request] });
		}),
	);
