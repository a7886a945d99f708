/** Asks: a new session with its file in place. */
import { AgentError } from './errors.js';
import type { World } from './exchange.js';
import { checkOutputFree, clearAbandoned } from './files/staging.js';
import { privateFolder, readSessionFile, wipeSessionFile, writeSessionFile } from './keyfile.js';
import { type AgentSession, closeSession, createSession, type NewSession } from './session.js';

export interface Place {
	/** The output folder. */
	out: string;
	sessionFile: string;
	/** Replace an earlier delivery. */
	force?: boolean;
}

/**
 * Everything that could refuse the delivery later is looked at before a person is bothered. So whoever finds a session file
 * beside a delivery knows that the session is to replace it, or brought it.
 * @throws {AgentError} `output_exists`, `output_unsafe`, `output_failed`, `session_file_exists` (one that is still alive),
 * `session_file_unsafe`, `session_file_invalid`, and those of `createSession`
 */
export async function ask(
	request: NewSession,
	{ out, sessionFile, force = false }: Place,
	world: World,
): Promise<AgentSession> {
	await privateFolder(out);
	await clearAbandoned(out);
	checkOutputFree(out, force);
	await dropExpired(sessionFile, world);
	const session = await createSession(request, world);
	try {
		await writeSessionFile(sessionFile, session);
	} catch (error) {
		await closeSession(session, world);
		throw error;
	}
	return session;
}

async function dropExpired(path: string, world: World): Promise<void> {
	try {
		const { expiresAt } = await readSessionFile(path);
		if (Date.parse(expiresAt) > world.now()) throw new AgentError('session_file_exists');
		await wipeSessionFile(path);
	} catch (error) {
		if (!(error instanceof AgentError) || error.code !== 'session_file_missing') throw error;
	}
}
