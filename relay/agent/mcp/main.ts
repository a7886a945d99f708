/** The MCP server on stdin and stdout, which carry the protocol and nothing else. */
import { resolve } from 'node:path';
import { stdin, stdout } from 'node:process';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { AgentError, exitCode } from '../errors.js';
import { realWorld, type World } from '../exchange.js';
import { relayOrigin } from '../protocol.js';
import { wordsFor } from '../words.js';
import { Receiver } from './receiver.js';
import { Records } from './records.js';
import { createServer } from './server.js';
import { isUnderWay } from './state.js';

export interface McpOptions {
	/** URL of the relay: an https origin, or http on this machine. */
	relay: string;
	/** The output folder. */
	out: string;
	world?: World | undefined;
	/** SIGINT and SIGTERM, where the world has no signal of its own. */
	signal?: AbortSignal | undefined;
}

/**
 * Serves one client until it goes or `signal` aborts; then what is under way stops as after SIGINT: nothing half-written is
 * left, and a session that can be gone on with keeps its file.
 * @returns the exit code: 0, or that of an address which is no relay's
 */
export async function runMcp({ relay, out, world = realWorld, signal = world.signal }: McpOptions): Promise<number> {
	let origin: string;
	try {
		origin = relayOrigin(relay);
	} catch (error) {
		const known = error instanceof AgentError ? error : new AgentError('internal', { cause: error });
		process.stderr.write(`${wordsFor(known, false)}\n`);
		return exitCode(known);
	}
	const folder = resolve(out);
	const receiver = new Receiver(origin, folder, { ...world, signal });
	const life = new AbortController();
	const server = createServer({
		receiver,
		records: new Records(folder, life.signal, () => isUnderWay(receiver.state)),
	});
	const over = new Promise<void>((ended) => {
		server.server.onclose = ended;
		// The SDK does not look whether the client has gone.
		for (const event of ['end', 'close', 'error']) stdin.once(event, ended);
		stdout.on('error', () => ended());
		signal?.addEventListener('abort', () => ended(), { once: true });
		if (signal?.aborted) ended();
	});
	await receiver.resume();
	await server.connect(new StdioServerTransport());
	await over;
	// Nobody waits for an answer any more, however much there is to read for it.
	life.abort();
	await Promise.all([receiver.close(), server.close()]);
	return 0;
}
