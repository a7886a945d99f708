/// <reference path="./bundled.d.ts" />
/**
 * PDF → text, in a thread that is ended when a document takes it too long or too far: pdf.js has steps that nothing in their own
 * thread can stop.
 *
 * The thread is started from a text inside the program (`data:`), so that the skill's one file, the build of several files and
 * the tests go one way, on Node, Bun and Deno alike. Rejected: a worker file (the skill has none), the script's own file (a chunk
 * does not know its entry, and the command line would have to notice that it is not one), a child process (more to start, more
 * for a sandbox to forbid, and Deno asks leave for it). Threads differ in one thing: Bun and Deno keep no `resourceLimits`, and
 * Node counts no buffers in them. So the memory of the process is watched besides.
 */
import { Worker } from 'node:worker_threads';
import { MAX_HEAP, MAX_MEMORY, MAX_TIME } from '../limits.js';
import type { Reading } from '../reading.js';
import type { PdfText } from './text.js';
import type { Question } from './thread.js';

/** How often the memory is looked at, in ms. */
const WATCH = 100;

interface Thread {
	worker: Worker;
	/** Set while a document is read. `alive`: whether the thread can read another. */
	answer: (reading: Reading, alive: boolean) => void;
}

const nobody = () => undefined;

/** The one that waits for a document; it keeps no process alive. */
let idle: Thread | null = null;
/** Settles when the document before has been read: one at a time, whoever asks. */
let before: Promise<unknown> = Promise.resolve();

/**
 * Never rejects; the octets stay as they are.
 * @param limits ms and octets, of which whatever else the process needs meanwhile is a part. A document that is slow in many steps
 * is read for three quarters of the time and cut; one that takes the whole of it, or the memory, is `too_large` and has no text
 */
export function readPdf(octets: Uint8Array, limits = { time: MAX_TIME, memory: MAX_MEMORY }): Promise<Reading> {
	const reading = before.then(() => read(octets, limits)).catch((): Reading => ({ text: '', problem: 'unreadable' }));
	before = reading;
	return reading;
}

async function read(octets: Uint8Array, { time, memory }: { time: number; memory: number }): Promise<Reading> {
	const thread = idle ?? (await start());
	const { worker } = thread;
	idle = null;
	const question: Question = { octets: new Uint8Array(octets), time: 0.75 * time };
	// From the lowest point: what was garbage at the beginning must not leave room for more.
	let ceiling = process.memoryUsage().rss + memory;
	const { reading, alive } = await new Promise<{ reading: Reading; alive: boolean }>((resolve) => {
		const tooLarge = () => thread.answer({ text: '', problem: 'too_large' }, false);
		const clock = setTimeout(tooLarge, time);
		const watch = setInterval(() => {
			const { rss } = process.memoryUsage();
			ceiling = Math.min(ceiling, rss + memory);
			if (rss > ceiling) tooLarge();
		}, WATCH);
		thread.answer = (reading, alive) => {
			clearTimeout(clock);
			clearInterval(watch);
			thread.answer = nobody;
			resolve({ reading, alive });
		};
		worker.ref();
		worker.postMessage(question, [question.octets.buffer as ArrayBuffer]);
	});
	if (alive) {
		idle = thread;
		worker.unref();
	} else await worker.terminate();
	return reading;
}

async function start(): Promise<Thread> {
	const { default: source } = await import('./thread.js?bundled');
	const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), {
		stdout: true,
		stderr: true,
		resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP },
	});
	const thread: Thread = { worker, answer: nobody };
	const ended = (problem: Reading['problem']) => {
		if (idle === thread) idle = null;
		thread.answer({ text: '', problem }, false);
	};
	worker.on('message', ({ reading, stopped }: PdfText) => thread.answer(reading, !stopped));
	worker.on('error', (cause: NodeJS.ErrnoException | null) =>
		ended(cause?.code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'too_large' : 'unreadable'),
	);
	worker.on('exit', () => ended('unreadable'));
	return thread;
}
