/** What a command is given, and what it gives back. */
import { dirname, resolve } from 'node:path';
import { harmlessJson } from '../characters.js';
import type { World } from '../exchange.js';
import { sessionFile } from '../keyfile.js';
import { type CommandLine, usage, type Values } from './arguments.js';

export interface Io {
	/** One JSON line, without its line end; of a command that tells about records, its text. */
	stdout: (line: string) => void;
	/** One line for people. */
	stderr: (line: string) => void;
	world?: World;
}

export interface Call extends CommandLine {
	io: Io;
	world: World;
	/** Says that the session goes on after an error that does not end it. */
	begun: () => void;
}

/** @returns the exit code @throws {AgentError} */
export type Run = (call: Call) => Promise<number>;

export interface Place {
	/** The output folder. */
	out: string;
	sessionFile: string;
}

/** @throws {AgentError} `usage` no folder is given */
export function placeOf({ out, session }: Values): Place {
	const dir = out ?? (session === undefined ? undefined : dirname(session));
	if (!dir) throw usage('missing --out');
	return { out: resolve(dir), sessionFile: session ? resolve(session) : sessionFile(resolve(dir)) };
}

/** What is harmful stands in it as escapes: it is the same JSON. */
export function emit({ stdout }: Io, event: object): void {
	stdout(harmlessJson(JSON.stringify(event)));
}
