import * as z from 'zod';
import { LIMITS } from '../../../contract.js';
import type { AddTool } from '../context.js';
import { howToShow, Report } from '../report.js';
import { telling, told } from '../results.js';
import { isUnderWay } from '../state.js';

const input = z.strictObject({
	who: z
		.string()
		.min(1)
		.max(200)
		.describe('Who asks, as the person will read it; their wallet marks it as unverified. Example: Visit helper'),
	why: z
		.string()
		.min(1)
		.max(1000)
		.describe(
			"What the records are for, in one or two plain sentences. Example: To prepare for Tuesday's appointment.",
		),
	wants: z
		.array(z.string().regex(/^[A-Za-z]{1,64}$/, 'must be a FHIR resource type, such as Condition'))
		.min(1)
		.max(100)
		.optional()
		.describe(
			'FHIR resource types you would like; a wish, the person decides. Leave it out for everything. Example: ["Condition", "Observation"]',
		),
	expires_seconds: z
		.int()
		.min(1)
		.max(LIMITS.sessionSeconds)
		.optional()
		.describe('How long the link works. An hour (3600) unless told, and never longer. Example: 1800'),
	replace: z
		.boolean()
		.optional()
		.describe(
			'Only needed where records are here already: true replaces them with what arrives. Ask the person before. Until it has arrived, the old ones stay.',
		),
});

export const requestRecords: AddTool = (server, { receiver }) =>
	server.registerTool(
		'request_records',
		{
			title: 'Ask a person for their health records',
			description:
				'Makes a request and gives a link and a six-digit match code to show to the person in front of you. Use it when they want you to have their health records, and none are here yet (list_records tells). They open the link in their Satchel wallet, compare the code, choose and send; records are encrypted to this machine and nobody in between can read them. Receiving goes on in the background: show the link and the code, then call wait_for_records. One request at a time.',
			inputSchema: input,
			outputSchema: z.object(Report),
			// With `replace` what arrives takes the place of what is here.
			annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true },
		},
		telling(async ({ who, why, wants, expires_seconds: expiresIn, replace = false }) => {
			const request = { who, why, ...(wants && { wants }), ...(expiresIn !== undefined && { expiresIn }) };
			const state = await receiver.ask(request, replace);
			if (!isUnderWay(state)) throw new Error('asking gave no session');
			const { url: link, code, expiresAt } = state.shown;
			const replaces = replace
				? '\n\nWhat arrives replaces the records that are here, and nothing before it has arrived.'
				: '';
			const words = `${howToShow(state.shown)}${replaces}\n\nThen call wait_for_records.`;
			return told(words, { state: state.is, words, link, code, expiresAt });
		}),
	);
