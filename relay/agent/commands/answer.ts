/** `list`, `summary`, `search`, `read` and `trend`: a page of text, and how to go on. */
import { existsSync } from 'node:fs';
import { type Answers, openAnswers, type Page, type TrendQuery } from '../answers/answers.js';
import { AgentError } from '../errors.js';
import { argumentOf, type CommandLine, textOf } from './arguments.js';
import { type Place, placeOf, type Run } from './command.js';
import { PROGRAM } from './program.js';

function answer(ask: (answers: Answers, line: CommandLine) => Promise<Page>): Run {
	return async (call) => {
		const place = placeOf(call.values);
		const { text, next } = await ask(await open(place, call.world.signal), call);
		call.io.stdout(next === undefined ? text : `${text}\nnext: --next ${next}`);
		return 0;
	};
}

/** @throws {AgentError} `no_records`, with `detail` while a session is under way, or `records_damaged` */
async function open({ out, sessionFile }: Place, signal: AbortSignal | undefined): Promise<Answers> {
	try {
		return await openAnswers(out, signal);
	} catch (error) {
		if (!(error instanceof AgentError) || error.code !== 'no_records' || !existsSync(sessionFile)) throw error;
		const detail = `a request is under way; go on with "${PROGRAM} resume --wait 50 --out DIR"`;
		throw new AgentError('no_records', { cause: error, detail });
	}
}

/** What search and trend share; what was not given is not there. */
function question(line: CommandLine): TrendQuery {
	const { code, source, from, to, next } = line.values;
	const given = { text: textOf(line), code, source, from, to, next };
	return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

export const list = answer((answers, { values }) => answers.list(values.next));

export const summary = answer((answers, { values, argument }) => answers.summary(argument, values.next));

export const search = answer((answers, line) => {
	const { kind } = line.values;
	return answers.search({ ...question(line), ...(kind !== undefined && { kind }) });
});

export const read = answer(async (answers, line) => answers.read(argumentOf(line), line.values.next));

export const trend = answer((answers, line) => answers.trend(question(line)));
