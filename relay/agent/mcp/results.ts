/** What tools answer: text for the model, errors with our code and words, and nothing else. */
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import type { Page } from '../answers/answers.js';
import { AgentError, type AgentErrorCode } from '../errors.js';
import { wordsFor } from '../words.js';

/** For errors of which the command line's words name commands: what to do here instead. */
const here: Partial<Record<AgentErrorCode, string>> = {
	session_file_exists:
		'A request is under way already. Go on with wait_for_records, which also gives its link again while nobody has opened it; or end it with cancel_request, then ask anew.',
	session_file_missing: 'There is no request under way. Ask with request_records.',
	session_file_invalid: 'The session file in the folder cannot be read as one. cancel_request clears it away.',
	output_exists:
		'There are records already: list_records tells which. New ones would take their place. Ask the person, and if they agree, call request_records again with replace: true.',
	no_records: 'There are no records here. Ask a person for theirs with request_records, then wait_for_records.',
	ref_unknown: 'There is no resource or document of that name here. search_records and list_records give names.',
	records_damaged:
		'The records here are not as they were written: something changed or removed files. Such records are neither told nor deleted. The person can look into the folder; request_records with replace: true brings others in their place.',
};

/** @param state holds nothing of a record: some clients show a model this in place of the text */
export function told(text: string, state?: Record<string, unknown>): CallToolResult {
	return { content: [{ type: 'text', text }], ...(state && { structuredContent: state }) };
}

/** How to go on stands apart from the page, where no record can have written it. */
export function page({ text, next }: Page): CallToolResult {
	const content = [text];
	if (next !== undefined)
		content.push(`There is more. Call this tool again with the same arguments and next: ${JSON.stringify(next)}`);
	return { content: content.map((text) => ({ type: 'text', text })) };
}

/** `no_records: There are no records here. …` */
export function failed(error: unknown): CallToolResult {
	const known = error instanceof AgentError ? error : new AgentError('internal', { cause: error });
	const { code } = known;
	return { content: [{ type: 'text', text: `${code}: ${explained(known)}` }], isError: true };
}

/** @param code of an error that was not thrown, but became a state */
export function explain(code: AgentErrorCode): string {
	return explained(new AgentError(code));
}

/** What an error says exactly goes before what is general here. */
function explained(error: AgentError): string {
	return (error.detail ? undefined : here[error.code]) ?? wordsFor(error, false);
}

/** Runs a tool's work; whatever it throws becomes an error of the tool. */
export function telling<Args extends unknown[]>(
	work: (...args: Args) => Promise<CallToolResult>,
): (...args: Args) => Promise<CallToolResult> {
	return (...args) => work(...args).catch(failed);
}
