/** The command line, read. What is wrong with it is said with names of options and commands, never with their values. */
import { parseArgs } from 'node:util';
import { AgentError } from './errors.js';

const options = {
	relay: { type: 'string' },
	out: { type: 'string' },
	who: { type: 'string' },
	why: { type: 'string' },
	wants: { type: 'string' },
	expires: { type: 'string' },
	session: { type: 'string' },
	'no-wait': { type: 'boolean' },
	force: { type: 'boolean' },
	help: { type: 'boolean', short: 'h' },
	version: { type: 'boolean' },
} as const;

export type Command = 'request' | 'resume' | 'help' | 'version';

/** The option as it was written; one that cannot be a name may be a value with a dash in front. */
const OPTION = /^--?[A-Za-z][A-Za-z-]{0,30}$/;
const COMMAND = /^[A-Za-z-]{1,20}$/;

/** @throws {AgentError} `usage` with `detail` */
export function parse(argv: string[]) {
	// Not strict: the messages of parseArgs quote values. What is strict about it is done here.
	const { tokens } = parseArgs({ args: argv, options, allowPositionals: true, strict: false, tokens: true });
	const values: { -readonly [name in Name]?: (typeof options)[name]['type'] extends 'string' ? string : true } = {};
	const positionals: string[] = [];
	for (const token of tokens) {
		if (token.kind === 'positional') positionals.push(token.value);
		if (token.kind !== 'option') continue;
		const { name, rawName, value, inlineValue } = token;
		if (!isOption(name)) throw usage(OPTION.test(rawName) ? `unknown option ${rawName}` : 'unknown option');
		if (isSwitch(name)) {
			if (value !== undefined) throw usage(`--${name} takes no value`);
			values[name] = true;
		} else {
			// `--out --who me`: the value was forgotten.
			if (value === undefined || (!inlineValue && /^-./.test(value))) throw usage(`--${name} needs a value`);
			values[name] = value;
		}
	}
	return { values, command: commandOf(values, positionals) };
}
export type Values = ReturnType<typeof parse>['values'];

function commandOf({ help, version }: { help?: true; version?: true }, [first, ...rest]: string[]): Command {
	if (help || first === 'help') return 'help';
	if (version) return 'version';
	if (first === undefined) throw usage('missing command: request or resume');
	if (first !== 'request' && first !== 'resume') {
		throw usage(COMMAND.test(first) ? `unknown command "${first}"` : 'unknown command');
	}
	if (rest.length > 0) throw usage(`unexpected argument after ${first}: put quotes around a text of several words`);
	return first;
}

/** @throws {AgentError} `usage` that names those of `needed` that are missing, or empty; a reason may be */
export function checkGiven(values: Values, ...needed: Name[]): void {
	const missing = needed.filter((name) => values[name] === undefined || (values[name] === '' && name !== 'why'));
	if (missing.length > 0) throw usage(`missing ${missing.map((name) => `--${name}`).join(', ')}`);
}

export function usage(detail: string): AgentError {
	return new AgentError('usage', { detail });
}

type Name = keyof typeof options;

function isOption(name: string): name is Name {
	return Object.hasOwn(options, name);
}

type Switch = { [name in Name]: (typeof options)[name]['type'] extends 'boolean' ? name : never }[Name];

function isSwitch(name: Name): name is Switch {
	return options[name].type === 'boolean';
}
