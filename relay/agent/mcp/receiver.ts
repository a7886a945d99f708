/**
 * The asking and receiving behind the tools: one session at a time, followed in the background between their calls. What a
 * session needs to be gone on with is in its file alone, so another process can.
 */
import { EventEmitter, once } from 'node:events';
import { ask } from '../ask.js';
import { follow } from '../delivery/receive.js';
import { AgentError, isFinal } from '../errors.js';
import type { World } from '../exchange.js';
import { endSession, type Removed, removeAll } from '../files/remove.js';
import { readSessionFile, sessionFile } from '../keyfile.js';
import type { AgentSession, NewSession } from '../session.js';
import { after, asked, isUnderWay, type State } from './state.js';

interface Running {
	stop: AbortController;
	/** The state tells how it ended; never rejects. */
	ended: Promise<void>;
}

export class Receiver {
	readonly #relay: string;
	readonly #out: string;
	readonly #file: string;
	readonly #world: World;
	readonly #life = new AbortController();
	readonly #changes = new EventEmitter().setMaxListeners(0);
	#state: State = { is: 'none' };
	#running: Running | undefined;
	/** What changes the session happens one after the other. */
	#turn: Promise<unknown> = Promise.resolve();

	/** @param relay origin @param out the output folder, an absolute path */
	constructor(relay: string, out: string, world: World) {
		this.#relay = relay;
		this.#out = out;
		this.#file = sessionFile(out);
		this.#world = { ...world, signal: joined(world.signal, this.#life.signal) };
	}

	get state(): State {
		return this.#state;
	}

	/**
	 * Asks a person, and begins to wait.
	 * @throws {AgentError} `session_file_exists` while one is under way, and those of `ask`
	 */
	ask(request: Omit<NewSession, 'relay'>, replace: boolean): Promise<State> {
		return this.#inTurn(async () => {
			if (isUnderWay(this.#state)) throw new AgentError('session_file_exists');
			await this.#running?.ended;
			const place = { out: this.#out, sessionFile: this.#file, force: replace };
			this.#follow(await ask({ ...request, relay: this.#relay }, place, this.#world), replace);
			return this.#state;
		});
	}

	/**
	 * Goes on with the session whose file is in the folder, if there is one: of an earlier process, or after an error that
	 * another try may mend. A file that cannot be used becomes the state.
	 */
	resume(): Promise<State> {
		return this.#inTurn(async () => {
			if (isUnderWay(this.#state)) return this.#state;
			await this.#running?.ended;
			try {
				// Who made the file has looked whether there is a delivery: one that is there is to be replaced (`ask`).
				this.#follow(await readSessionFile(this.#file), true);
			} catch (error) {
				if (!(error instanceof AgentError)) throw error;
				if (error.code !== 'session_file_missing') this.#become(overBy(error));
			}
			return this.#state;
		});
	}

	/** Ends the session at the relay and wipes its file; records that are here stay. @throws {AgentError} */
	cancel(): Promise<Removed['session']> {
		return this.#inTurn(async () => {
			await this.#halt();
			return endSession(this.#file, this.#world);
		});
	}

	/** Ends the session, too. @throws {AgentError} those of `removeAll` */
	remove(): Promise<Removed> {
		return this.#inTurn(async () => {
			await this.#halt();
			return removeAll(this.#out, this.#world);
		});
	}

	/** Resolves at the next change, after `ms`, or when `signal` aborts. */
	async changed(ms: number, signal: AbortSignal): Promise<void> {
		const either = new AbortController();
		const over = joined(signal, either.signal);
		await Promise.race([once(this.#changes, 'change', { signal: over }), this.#world.sleep(ms, over)]).catch(
			() => undefined,
		);
		either.abort();
	}

	/** Lets go: nothing half-written stays, the session file does, and whoever has it can go on. */
	async close(): Promise<void> {
		this.#life.abort();
		await this.#turn;
		await this.#running?.ended;
	}

	#follow(session: AgentSession, force: boolean): void {
		const stop = new AbortController();
		const world = { ...this.#world, signal: joined(this.#world.signal, stop.signal) };
		this.#become(asked(session));
		const run = async () => {
			try {
				const events = follow(session, { out: this.#out, sessionFile: this.#file, force, world });
				for await (const event of events) this.#become(after(this.#state, event));
			} catch (error) {
				// Once the records are in place, what becomes of the session at the relay changes nothing about them.
				if (this.#state.is !== 'done') this.#become(stop.signal.aborted ? { is: 'none' } : overBy(error));
			}
		};
		this.#running = { stop, ended: run() };
	}

	/** Stops following; the session and its file are as before. */
	async #halt(): Promise<void> {
		this.#running?.stop.abort();
		await this.#running?.ended;
		this.#running = undefined;
		this.#become({ is: 'none' });
	}

	#become(state: State): void {
		this.#state = state;
		this.#changes.emit('change');
	}

	#inTurn<T>(step: () => Promise<T>): Promise<T> {
		const turn = this.#turn.then(step);
		this.#turn = turn.catch(() => undefined);
		return turn;
	}
}

function overBy(error: unknown): State {
	const code = error instanceof AgentError ? error.code : 'internal';
	return { is: 'over', code, resumable: !isFinal(error) };
}

function joined(...signals: (AbortSignal | undefined)[]): AbortSignal {
	return AbortSignal.any(signals.filter((signal) => signal !== undefined));
}
