/** `request` and `resume`: the link, the waiting, the records. */
import { LIMITS } from '../../contract.js';
import { ask } from '../ask.js';
import { follow } from '../delivery/receive.js';
import { AgentError } from '../errors.js';
import type { World } from '../exchange.js';
import type { Index } from '../files/records.js';
import { readSessionFile, sessionFile } from '../keyfile.js';
import { type AgentSession, sessionLink } from '../session.js';
import { count, timeOf, wordsForSource } from '../source-words.js';
import { checkGiven, secondsOf } from './arguments.js';
import { type Call, emit, type Place, placeOf } from './command.js';
import { PROGRAM } from './program.js';

export async function request(call: Call): Promise<number> {
	const { values, world } = call;
	checkGiven(values, 'relay', 'out', 'who', 'why');
	const place = placeOf(values);
	const { relay = '', who = '', why = '', wants, force } = values;
	const expiresIn = secondsOf(values, 'expires', LIMITS.sessionSeconds) ?? LIMITS.sessionSeconds;
	secondsOf(values, 'wait', LIMITS.sessionSeconds);
	const list = wants?.split(',').map((type) => type.trim());
	const asked = { relay, who, why, expiresIn, ...(list && { wants: list }) };
	return goOn(call, place, await ask(asked, { ...place, force: force ?? false }, world), values['no-wait']);
}

export async function resume(call: Call): Promise<number> {
	const place = placeOf(call.values);
	secondsOf(call.values, 'wait', LIMITS.sessionSeconds);
	const session = await readSessionFile(place.sessionFile);
	// Who put the file beside a delivery has agreed that it is replaced (`ask`); one from elsewhere says nothing about this folder.
	const force = call.values.force || place.sessionFile === sessionFile(place.out);
	return goOn({ ...call, values: { ...call.values, ...(force && { force }) } }, place, session);
}

async function goOn(call: Call, place: Place, session: AgentSession, leave = false): Promise<number> {
	const { io, begun } = call;
	begun();
	emit(io, { event: 'link', ...sessionLink(session) });
	if (leave) return 0;
	const minutes = Math.max(1, Math.round((Date.parse(session.expiresAt) - call.world.now()) / 60_000));
	io.stderr(`Waiting: the link works for ${count(minutes, 'minute')}. The person's wallet must show the same code.`);
	await wait(session, place, call);
	return 0;
}

/** `receiving` comes at most twice a second, and once when it is complete. */
const THROTTLE = 500;

async function wait(session: AgentSession, place: Place, { values, world, io }: Call): Promise<void> {
	const { out } = place;
	const patience = new Patience(world, secondsOf(values, 'wait', LIMITS.sessionSeconds));
	const events = follow(session, { ...place, force: values.force ?? false, world: patience.world });
	let shown = Number.NEGATIVE_INFINITY;
	try {
		for (;;) {
			const { done, value } = await events.next();
			if (done) {
				if (!value.closed)
					io.stderr(`The relay could not be told to delete the session; it will by ${timeOf(session.expiresAt)}.`);
				return;
			}
			if (value.event === 'written') {
				const { sources } = value.index;
				emit(io, { event: 'done', dir: out, sources: sources.map(summary) });
				for (const line of sources.flatMap((source) => wordsForSource(source, source.folder))) io.stderr(line);
				continue;
			}
			if (value.event === 'receiving') {
				const complete = 'totalParts' in value && value.parts === value.totalParts;
				// What has been sent is taken in, however long that is: it would have to be fetched again.
				if ('totalParts' in value) patience.end();
				if (!complete && world.now() - shown < THROTTLE) continue;
				shown = world.now();
			}
			emit(io, value);
		}
	} catch (error) {
		if (!patience.isOver || !(error instanceof AgentError) || error.code !== 'interrupted') throw error;
		emit(io, { event: 'waiting', expiresAt: session.expiresAt });
		io.stderr(`Nothing complete has come yet. Go on with "${PROGRAM} resume --wait ${values.wait} --out DIR".`);
	} finally {
		patience.end();
	}
}

/** Stops the waiting after so many seconds, as an interruption would; without any it has no end. */
class Patience {
	readonly world: World;
	readonly #over = new AbortController();
	readonly #signal: AbortSignal | undefined;
	readonly #timer: NodeJS.Timeout | undefined;

	constructor(world: World, seconds: number | undefined) {
		this.#signal = world.signal;
		const signals = [this.#over.signal, ...(world.signal ? [world.signal] : [])];
		this.world = { ...world, signal: AbortSignal.any(signals) };
		if (seconds !== undefined) this.#timer = setTimeout(() => this.#over.abort(), seconds * 1000);
	}

	/** It was this that ended it, and nobody's signal. */
	get isOver(): boolean {
		return this.#over.signal.aborted && !this.#signal?.aborted;
	}

	end(): void {
		clearTimeout(this.#timer);
	}
}

/**
 * Nothing that a record or its source could have worded, since no marks stand around it: no names, and a query or reason only in
 * the form that ours have. Without the patient's id: stdout often ends up in logs. `index.json` has all of it.
 */
function summary({ patient, folder, resources, documents, failed }: Index['sources'][number]): object {
	return {
		folder,
		resources,
		documents: documents.length,
		failed: failed.map(({ query, status, reason, keptFrom }) => ({
			query: QUERY.test(query) ? withoutId(query, patient.id) : 'something else',
			status,
			...(reason && { reason: REASON.test(reason) ? reason : 'other' }),
			...(keptFrom && { keptFrom: timeOf(keptFrom) ? new Date(keptFrom).toISOString() : 'unknown' }),
		})),
	};
}

const QUERY = /^[A-Z][A-Za-z]{1,63}(?:[/?][\w.~%$&=?/:|,+-]{0,500})?$/;
const REASON = /^[a-z0-9_]{1,40}$/;

/** `Observation?patient=p1` → `Observation?patient={patient}`; whole values and path segments only. */
function withoutId(query: string, id: string): string {
	return query
		.split(/([?&=/,|]|%2F|%7C|%2C)/i)
		.map((token) => (token === id || token === encodeURIComponent(id) ? '{patient}' : token))
		.join('');
}
