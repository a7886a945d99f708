/** Why a server could not start, for the person who starts it: one plain line for each mistake, no stack trace. */
import { shown } from './config-words.js';

/** Where a server was to listen, and the variables that say so. */
export interface StartPlace {
	portName: string;
	port: number;
	/** Not given where no variable sets it. */
	host?: string;
	dataDir?: string;
}

interface StartProblems {
	lines: readonly string[];
	/** 2 for a mistake in the configuration, 1 for a machine that does not allow it or a Redis that is away: waiting may mend those. */
	exitCode: 1 | 2;
}

/**
 * The lines for `thrown`, or null when it is no mistake of whoever starts the server.
 * An error of any class that carries `problems`, a list of lines, speaks for itself: ConfigError is one.
 */
export function startProblems(thrown: unknown, place?: StartPlace): StartProblems | null {
	if (!(thrown instanceof Error)) return null;
	if ('problems' in thrown && Array.isArray(thrown.problems)) {
		const passes = 'code' in thrown && thrown.code === 'redis_unreachable';
		return { lines: thrown.problems.map(String), exitCode: passes ? 1 : 2 };
	}
	const line = place && systemProblem(thrown, place);
	return line ? { lines: [line], exitCode: 1 } : null;
}

function systemProblem(thrown: NodeJS.ErrnoException, { portName, port, host, dataDir }: StartPlace): string | null {
	const { code = '', syscall } = thrown;
	if (syscall === 'listen' || syscall === 'getaddrinfo') {
		if (code === 'EADDRINUSE') return `Port ${port} is taken; set ${portName} to another one`;
		if (code === 'EACCES') return `Port ${port} is not open to this user; set ${portName} to one above 1023`;
		if (host !== undefined) return `HOST=${shown(host)} is not an address of this machine`;
		return null;
	}
	if (dataDir === undefined || typeof thrown.path !== 'string') return null;
	return `DATA_DIR=${shown(dataDir)} cannot be used: ${fileReasons[code] ?? code}`;
}

const fileReasons: Record<string, string> = {
	EACCES: 'this user may not write there',
	EPERM: 'it belongs to another user',
	EROFS: 'it is read-only',
	ELOCKED: 'another relay uses it',
	ENOTDIR: 'it is, or is inside, something that is not a folder',
	EEXIST: 'it is not a folder',
	ENOENT: 'it cannot be made there',
	ENOSPC: 'the disk is full',
	EDQUOT: 'the disk is full',
	ELOOP: 'its links lead in a circle',
	ENAMETOOLONG: 'its name is too long',
};

/** Ends the process with the lines on stderr; throws what is no start mistake. */
export function exitWithProblems(thrown: unknown, place?: StartPlace): never {
	const problems = startProblems(thrown, place);
	if (!problems) throw thrown;
	for (const line of problems.lines) console.error(line);
	process.exit(problems.exitCode);
}
