/** The state of the asking, as a model is told it. */
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import * as z from 'zod';
import { count } from '../source-words.js';
import { explain, told } from './results.js';
import { isUnderWay, type Shown, type State } from './state.js';

/** `structuredContent` of the tools that ask and wait. */
export const Report = {
	state: z
		.enum(['none', 'waiting', 'claimed', 'receiving', 'done', 'over'])
		.describe('waiting: nobody has opened the link. claimed: a wallet has. receiving: records are on their way.'),
	words: z.string().describe('What this means and what to do next.'),
	link: z.string().optional().describe('For the person to open. Shown while nobody has opened it.'),
	code: z.string().optional().describe("The match code, which the person's wallet must show too."),
	expiresAt: z.string().optional().describe('When the link stops working, ISO 8601.'),
	bytes: z.number().optional(),
	parts: z.number().optional(),
	totalParts: z.number().optional(),
	sources: z.number().optional(),
	records: z.number().optional(),
	documents: z.number().optional(),
	unread: z.number().optional().describe('Queries that could not be read: not the same as nothing there.'),
	error: z.string().optional().describe('Why it is over.'),
};

/** @param hasRecords whether some are in the folder */
export function report(state: State, hasRecords: boolean): CallToolResult {
	const words = wordsOf(state, hasRecords);
	const { is, ...rest } = state;
	if (is === 'over') return told(words, { state: is, words, error: state.code });
	if (!isUnderWay(state)) return told(words, { state: is, words, ...rest });
	const { shown, is: _, ...numbers } = state;
	const { url, ...code } = shown;
	return told(words, { state: is, words, ...(is === 'waiting' && { link: url }), ...code, ...numbers });
}

/** One line for a progress bar. */
export function progressOf(state: State): string {
	if (state.is === 'waiting') return 'Waiting for the person to open the link';
	if (state.is === 'claimed') return 'A wallet has opened the link; nothing was sent yet';
	if (state.is !== 'receiving') return state.is === 'done' ? 'The records have arrived' : 'Over';
	const { bytes, parts, totalParts } = state;
	return totalParts === undefined
		? `${size(bytes)} have reached the relay`
		: `${parts} of ${totalParts} parts (${size(bytes)}) verified`;
}

function wordsOf(state: State, hasRecords: boolean): string {
	switch (state.is) {
		case 'none':
			return hasRecords
				? 'No request is under way. Records from an earlier one are here: list_records tells which.'
				: 'No request is under way, and there are no records here. Ask with request_records.';
		case 'waiting':
			return `Nobody has opened the link yet, which is ${state.shown.url} with the match code ${state.shown.code}, and works ${stillOpen(state.shown)}. If the person has not seen both, show them. Call wait_for_records again.`;
		case 'claimed':
			return `A wallet has opened the link; the person is choosing what to send, and nothing was sent yet. Their wallet must show the code ${state.shown.code}. Call wait_for_records again.`;
		case 'receiving':
			return `Records are on their way: ${progressOf(state)}. None can be read before all are here and verified. Call wait_for_records again.`;
		case 'done': {
			const { sources, records, documents, unread } = state;
			const missing =
				unread === 0
					? 'Every query was answered.'
					: `${count(unread, 'query')} could not be read, which does not mean that there is nothing: list_records tells which; tell the person.`;
			return `The records have arrived and are verified: ${count(records, 'record')} from ${count(sources, 'source')}, with ${count(documents, 'document')}. ${missing} Go on with patient_summary or list_records.`;
		}
		case 'over': {
			const then = state.resumable
				? 'It can be gone on with: once the cause is mended, call wait_for_records again, or give it up with cancel_request.'
				: 'Ask anew with request_records, if the person wants to.';
			const here = hasRecords ? ' There are records here: list_records tells when they were received.' : '';
			return `${state.resumable ? 'Receiving has stopped' : 'The request is over'}. ${state.code}: ${explain(state.code)}${here} ${then}`;
		}
	}
}

/** For the person, in front of whom the assistant is. */
export function howToShow({ url, code, expiresAt }: Shown): string {
	return [
		'Show the person this link and this code, unchanged, and do not open the link yourself:',
		`Link: ${url}`,
		`Match code: ${code}`,
		'Tell them, in your words:',
		`- Open the link in the browser that has their Satchel wallet, while it works, ${stillOpen({ expiresAt })}. It is for them alone: whoever has it can answer in their place.`,
		`- The wallet shows who asks and why, marked as unverified, and a match code. It must be ${code}; if it is another, they should close the page and tell you.`,
		'- They then choose which connections to send, none is chosen beforehand, and press send. Nothing is sent before that.',
		'- They leave the page open until it says that everything was sent.',
	].join('\n');
}

/** No time of day: nobody knows which zone the person is in. */
function stillOpen({ expiresAt }: Pick<Shown, 'expiresAt'>): string {
	return `for ${count(Math.max(1, Math.round((Date.parse(expiresAt) - Date.now()) / 60_000)), 'more minute')}`;
}

function size(bytes: number): string {
	return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
