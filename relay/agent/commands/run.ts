/** The command line as a function: arguments in, JSON lines or text out, an exit code back. */

import { AgentError, exitCode, isFinal } from '../errors.js';
import { realWorld } from '../exchange.js';
import { wordsFor } from '../words.js';
import { type Command, checkGiven, parse } from './arguments.js';
import { emit, type Io, placeOf, type Run } from './command.js';
import { help, version } from './help.js';

export type { Io } from './command.js';

interface Way {
	/** What its stdout is: of `events` an error is one too, and is only told on stderr otherwise. */
	stdout: 'events' | 'text';
	/** Brings in what the command needs, and nothing that others do. */
	load: () => Promise<Run>;
}

const say =
	(text: string) =>
	async (): Promise<Run> =>
	async ({ io }) => {
		io.stdout(text);
		return 0;
	};

const WAYS: Record<Command, Way> = {
	request: { stdout: 'events', load: async () => (await import('./receive.js')).request },
	resume: { stdout: 'events', load: async () => (await import('./receive.js')).resume },
	cancel: { stdout: 'events', load: async () => (await import('./end.js')).cancel },
	delete: { stdout: 'events', load: async () => (await import('./end.js')).remove },
	list: { stdout: 'text', load: async () => (await import('./answer.js')).list },
	summary: { stdout: 'text', load: async () => (await import('./answer.js')).summary },
	search: { stdout: 'text', load: async () => (await import('./answer.js')).search },
	read: { stdout: 'text', load: async () => (await import('./answer.js')).read },
	trend: { stdout: 'text', load: async () => (await import('./answer.js')).trend },
	mcp: { stdout: 'text', load: async () => mcp },
	help: { stdout: 'text', load: say(help) },
	version: { stdout: 'text', load: say(version) },
};

const mcp: Run = async ({ values, world }) => {
	checkGiven(values, 'relay', 'out');
	const { runMcp } = await import('../mcp/main.js');
	return runMcp({ relay: values.relay ?? '', out: placeOf(values).out, world });
};

/** @param argv without node and script. Never throws; every failure is told, and an exit code. */
export async function run(argv: string[], io: Io): Promise<number> {
	let resumable = false;
	let stdout: Way['stdout'] = 'events';
	try {
		if (argv.length === 0) {
			io.stderr(help);
			return 2;
		}
		const line = parse(argv);
		const way = WAYS[line.command];
		stdout = way.stdout;
		const begun = () => {
			resumable = true;
		};
		const command = await way.load();
		return await command({ ...line, io, world: io.world ?? realWorld, begun });
	} catch (error) {
		const known = error instanceof AgentError ? error : new AgentError('internal', { cause: error });
		const goesOn = resumable && !isFinal(known);
		const { code, detail, correlationId } = known;
		const words = wordsFor(known, goesOn);
		if (stdout === 'events')
			emit(io, {
				event: 'error',
				code,
				resumable: goesOn,
				...(detail && { detail }),
				...(correlationId && { correlationId }),
			});
		// Whose stdout is text has the code here.
		io.stderr(stdout === 'events' ? words : `${code}: ${words}`);
		return exitCode(known);
	}
}
