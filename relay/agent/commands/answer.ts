/** `list`, `summary`, `search`, `read` and `trend`: a page of text, and how to go on. */
import { type Answers, openAnswers, type Page, type TrendQuery } from '../answers/answers.js';
import { argumentOf, type CommandLine, textOf } from './arguments.js';
import { placeOf, type Run } from './command.js';

function answer(ask: (answers: Answers, line: CommandLine) => Promise<Page>): Run {
	return async (call) => {
		const { out } = placeOf(call.values);
		const { text, next } = await ask(await openAnswers(out), call);
		call.io.stdout(next === undefined ? text : `${text}\nnext: --next ${next}`);
		return 0;
	};
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
