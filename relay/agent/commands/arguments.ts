/** The command line, read. What is wrong with it is said with names of options and commands, never with their values. */
import { parseArgs } from 'node:util';
import { AgentError } from '../errors.js';
import { RELAY } from './program.js';

const options = {
	relay: { type: 'string' },
	out: { type: 'string' },
	who: { type: 'string' },
	why: { type: 'string' },
	wants: { type: 'string' },
	expires: { type: 'string' },
	session: { type: 'string' },
	wait: { type: 'string' },
	'no-wait': { type: 'boolean' },
	force: { type: 'boolean' },
	text: { type: 'string' },
	kind: { type: 'string' },
	code: { type: 'string' },
	source: { type: 'string' },
	from: { type: 'string' },
	to: { type: 'string' },
	next: { type: 'string' },
	help: { type: 'boolean', short: 'h' },
	version: { type: 'boolean' },
} as const;

type Name = keyof typeof options;

interface Form {
	/** What it takes beside `--help` and `--version`. */
	options: readonly Name[];
	/** What its one argument without a name is, if it takes one. */
	argument?: string;
}

const RANGE = ['text', 'source', 'from', 'to', 'next'] as const;

/** Every command, and what may stand behind it. */
const FORMS = {
	request: {
		options: ['relay', 'out', 'who', 'why', 'wants', 'expires', 'session', 'wait', 'no-wait', 'force'],
	},
	resume: { options: ['out', 'session', 'wait', 'force'] },
	cancel: { options: ['out', 'session'] },
	list: { options: ['out', 'next'] },
	summary: { options: ['out', 'next'], argument: 'a section' },
	search: { options: ['out', 'kind', 'code', ...RANGE], argument: 'the words' },
	read: { options: ['out', 'next'], argument: 'the name of a resource or document' },
	trend: { options: ['out', 'code', ...RANGE], argument: 'the words' },
	delete: { options: ['out'] },
	mcp: { options: ['relay', 'out'] },
	help: { options: [], argument: 'a command' },
	version: { options: [] },
} as const satisfies Record<string, Form>;

export type Command = keyof typeof FORMS;
export type Values = { -readonly [name in Name]?: (typeof options)[name]['type'] extends 'string' ? string : true };

export interface CommandLine {
	command: Command;
	values: Values;
	/** What stands behind the command without a name. */
	argument?: string | undefined;
}

/** The option as it was written; one that cannot be a name may be a value with a dash in front. */
const OPTION = /^--?[A-Za-z][A-Za-z-]{0,30}$/;
const COMMAND = /^[A-Za-z-]{1,20}$/;

/** @throws {AgentError} `usage` with `detail` */
export function parse(argv: string[]): CommandLine {
	// Not strict: the messages of parseArgs quote values. What is strict about it is done here.
	const { tokens } = parseArgs({ args: argv, options, allowPositionals: true, strict: false, tokens: true });
	const given: Values = {};
	const positionals: string[] = [];
	for (const token of tokens) {
		if (token.kind === 'positional') positionals.push(token.value);
		if (token.kind !== 'option') continue;
		const { name, rawName, value, inlineValue } = token;
		if (!isOption(name)) throw usage(OPTION.test(rawName) ? `unknown option ${rawName}` : 'unknown option');
		if (isSwitch(name)) {
			if (value !== undefined) throw usage(`--${name} takes no value`);
			given[name] = true;
		} else {
			// `--out --who me`: the value was forgotten.
			if (value === undefined || (!inlineValue && /^-./.test(value))) throw usage(`--${name} needs a value`);
			given[name] = value;
		}
	}
	const [first, argument, ...rest] = positionals;
	const command = commandOf(given, first);
	const form: Form = FORMS[command];
	const alien = Object.keys(given).find(
		(name) => isOption(name) && !form.options.includes(name) && !ANYWHERE.has(name),
	);
	if (alien !== undefined && !ANYTHING.has(command)) throw usage(`${command} takes no --${alien}`);
	if (!ANYTHING.has(command) && (form.argument === undefined ? argument !== undefined : rest.length > 0))
		throw usage(`unexpected argument after ${command}: put quotes around a text of several words`);
	return { command, values: { ...(RELAY !== undefined && { relay: RELAY }), ...given }, argument };
}

const ANYWHERE = new Set<string>(['help', 'version'] satisfies Name[]);
/** Who asks for help may have anything else on the line. */
const ANYTHING = new Set<string>(['help', 'version'] satisfies Command[]);

function commandOf({ help, version }: Values, first: string | undefined): Command {
	if (help || first === 'help') return 'help';
	if (version) return 'version';
	if (first === undefined) throw usage('missing command');
	if (!isCommand(first)) throw usage(COMMAND.test(first) ? `unknown command "${first}"` : 'unknown command');
	return first;
}

/** @throws {AgentError} `usage` that names those of `needed` that are missing, or empty; a reason may be */
export function checkGiven(values: Values, ...needed: Name[]): void {
	const missing = needed.filter((name) => values[name] === undefined || (values[name] === '' && name !== 'why'));
	if (missing.length > 0) throw usage(`missing ${missing.map((name) => `--${name}`).join(', ')}`);
}

/** @throws {AgentError} `usage` it is missing */
export function argumentOf({ command, argument }: CommandLine): string {
	if (!argument) throw usage(`${command} needs ${(FORMS[command] as Form).argument}`);
	return argument;
}

/** The words to look for, which may be named too. @throws {AgentError} `usage` they are given twice */
export function textOf({ command, argument, values: { text } }: CommandLine): string | undefined {
	if (argument !== undefined && text !== undefined) throw usage(`${command} takes its words once`);
	return argument ?? text;
}

/** @throws {AgentError} `usage` it is no whole number of seconds from 1 to `most` */
export function secondsOf(values: Values, name: 'expires' | 'wait', most: number): number | undefined {
	const given = values[name];
	if (given === undefined) return undefined;
	const seconds = Number(given);
	if (!/^\d+$/.test(given) || seconds < 1 || seconds > most)
		throw usage(`--${name} is a whole number of seconds from 1 to ${most}`);
	return seconds;
}

export function usage(detail: string): AgentError {
	return new AgentError('usage', { detail });
}

function isOption(name: string): name is Name {
	return Object.hasOwn(options, name);
}

function isCommand(name: string): name is Command {
	return Object.hasOwn(FORMS, name);
}

type Switch = { [name in Name]: (typeof options)[name]['type'] extends 'boolean' ? name : never }[Name];

function isSwitch(name: Name): name is Switch {
	return options[name].type === 'boolean';
}
