/**
 * The thread that PDFs are read in, one at a time: a question in, its reading out. It imports nothing but libraries and its own
 * part of this folder, and is built into one text (bundled.ts).
 */
import { parentPort } from 'node:worker_threads';
import { pdfText } from './text.js';

export interface Question {
	octets: Uint8Array;
	/** Milliseconds after which the text so far is the answer. */
	time: number;
}

// What a library says could hold a patient's words. What nobody caught ends the thread, since some runtimes print it else.
for (const name of ['log', 'info', 'warn', 'error', 'debug', 'trace'] as const) console[name] = () => undefined;
for (const event of ['uncaughtException', 'unhandledRejection']) process.on(event, () => process.exit(1));

parentPort?.on('message', async ({ octets, time }: Question) => {
	parentPort?.postMessage(await pdfText(octets, Date.now() + time));
});
