/** The command line as a function: arguments in, JSON lines out, an exit code back. */
import { dirname, resolve } from 'node:path';
import { LIMITS } from '../contract.js';
import { checkGiven, parse, usage, type Values } from './arguments.js';
import { AgentError, exitCode, isFinal } from './errors.js';
import { realWorld, type World } from './exchange.js';
import { help, version } from './help.js';
import { privateFolder, readSessionFile, sessionFile, wipeSessionFile, writeSessionFile } from './keyfile.js';
import { follow } from './receive.js';
import type { Index } from './records.js';
import { type AgentSession, closeSession, createSession, sessionLink } from './session.js';
import { checkOutputFree } from './staging.js';
import { localTime, wordsFor, wordsForSource } from './words.js';

export interface Io {
	/** One JSON line, without its line end. */
	stdout: (line: string) => void;
	/** One line for people. */
	stderr: (line: string) => void;
	world?: World;
}

/** @param argv without node and script. Never throws; every failure is an `error` event and an exit code. */
export async function run(argv: string[], io: Io): Promise<number> {
	let resumable = false;
	try {
		if (argv.length === 0) {
			io.stderr(help);
			return 2;
		}
		const { values, command } = parse(argv);
		if (command === 'help' || command === 'version') {
			io.stdout(command === 'help' ? help : version);
			return 0;
		}
		if (command === 'request') checkGiven(values, 'relay', 'out', 'who', 'why');
		const paths = places(values);
		const world = io.world ?? realWorld;
		const session =
			command === 'request' ? await request(values, paths, world) : await readSessionFile(paths.sessionFile);
		resumable = true;
		emit(io, { event: 'link', ...sessionLink(session) });
		if (command === 'request' && values['no-wait']) return 0;
		io.stderr(`Waiting until ${localTime(session.expiresAt)}. The person's wallet must show the same code.`);
		await wait(session, { ...paths, force: values.force ?? false, world }, io);
		return 0;
	} catch (error) {
		const known = error instanceof AgentError ? error : new AgentError('internal', { cause: error });
		const goesOn = resumable && !isFinal(known);
		emit(io, { event: 'error', code: known.code, resumable: goesOn, ...(known.detail && { detail: known.detail }) });
		io.stderr(wordsFor(known, goesOn));
		return exitCode(known);
	}
}

interface Places {
	out: string;
	sessionFile: string;
}

function places({ out, session }: Values): Places {
	const dir = out ?? (session === undefined ? undefined : dirname(session));
	if (!dir) throw usage('missing --out');
	return { out: resolve(dir), sessionFile: session ? resolve(session) : sessionFile(resolve(dir)) };
}

/** Everything that could refuse the delivery later is looked at before a person is bothered. */
async function request(values: Values, { out, sessionFile }: Places, world: World): Promise<AgentSession> {
	const { relay = '', who = '', why = '', wants, expires } = values;
	const expiresIn = expires === undefined ? LIMITS.sessionSeconds : Number(expires);
	const inRange = Number.isInteger(expiresIn) && expiresIn >= 1 && expiresIn <= LIMITS.sessionSeconds;
	if (!inRange) throw usage(`--expires is a whole number of seconds from 1 to ${LIMITS.sessionSeconds}`);
	await privateFolder(out);
	checkOutputFree(out, values.force);
	await dropExpired(sessionFile, world);
	const list = wants?.split(',').map((type) => type.trim());
	const session = await createSession({ relay, who, why, expiresIn, ...(list && { wants: list }) }, world);
	try {
		await writeSessionFile(sessionFile, session);
	} catch (error) {
		await closeSession(session, world);
		throw error;
	}
	return session;
}

/** @throws {AgentError} `session_file_exists` one that is still alive */
async function dropExpired(path: string, world: World): Promise<void> {
	try {
		const { expiresAt } = await readSessionFile(path);
		if (Date.parse(expiresAt) > world.now()) throw new AgentError('session_file_exists');
		await wipeSessionFile(path);
	} catch (error) {
		if (!(error instanceof AgentError) || error.code !== 'session_file_missing') throw error;
	}
}

/** `receiving` comes at most twice a second, and once when it is complete. */
const THROTTLE = 500;

async function wait(session: AgentSession, options: Places & { force: boolean; world: World }, io: Io): Promise<void> {
	let shown = Number.NEGATIVE_INFINITY;
	const events = follow(session, options);
	for (;;) {
		const { done, value } = await events.next();
		if (done) {
			if (!value.closed)
				io.stderr(`The relay could not be told to delete the session; it will by ${localTime(session.expiresAt)}.`);
			return;
		}
		if (value.event === 'written') {
			const { sources } = value.index;
			emit(io, { event: 'done', dir: options.out, sources: sources.map(summary) });
			for (const line of sources.flatMap(wordsForSource)) io.stderr(line);
			continue;
		}
		if (value.event === 'receiving') {
			const complete = 'totalParts' in value && value.parts === value.totalParts;
			if (!complete && options.world.now() - shown < THROTTLE) continue;
			shown = options.world.now();
		}
		emit(io, value);
	}
}

/** Without the patient's id, in queries too: stdout often ends up in logs. `index.json` has both in full. */
function summary({ name, patient, folder, resources, failed }: Index['sources'][number]): object {
	const { id, ...shown } = patient;
	return {
		name,
		patient: shown,
		folder,
		resources,
		failed: failed.map(({ query, status, reason, keptFrom }) => ({
			query: withoutId(query, id),
			status,
			...(reason && { reason }),
			...(keptFrom && { keptFrom }),
		})),
	};
}

/** `Observation?patient=p1` → `Observation?patient={patient}`; whole values and path segments only. */
function withoutId(query: string, id: string): string {
	return query
		.split(/([?&=/,|]|%2F|%7C|%2C)/i)
		.map((token) => (token === id || token === encodeURIComponent(id) ? '{patient}' : token))
		.join('');
}

/** What a terminal would obey or show out of order: C1 controls, DEL, line separators, bidirectional overrides. */
const UNSAFE = /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g;

/** Names come from strangers. Escaped, they are the same JSON. */
function emit({ stdout }: Io, event: object): void {
	stdout(JSON.stringify(event).replace(UNSAFE, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`));
}
