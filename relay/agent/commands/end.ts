/** `cancel` and `delete`. */
import { endSession, type Removed, removeAll } from '../files/remove.js';
import { count } from '../source-words.js';
import { type Call, emit, placeOf } from './command.js';

const SESSION: Record<Removed['session'], string> = {
	none: 'No session was under way.',
	ended: 'The session is over: the relay has deleted it, and its keys are gone here.',
	unreachable: 'The keys of the session are gone here. The relay could not be told; it deletes it within the hour.',
};

export async function cancel({ values, world, io }: Call): Promise<number> {
	const session = await endSession(placeOf(values).sessionFile, world);
	emit(io, { event: 'cancelled', session });
	io.stderr(SESSION[session]);
	return 0;
}

export async function remove({ values, world, io }: Call): Promise<number> {
	const { session, sources } = await removeAll(placeOf(values).out, world);
	emit(io, { event: 'deleted', session, sources });
	if (session !== 'none') io.stderr(SESSION[session]);
	io.stderr(sources === 0 ? 'There were no records here.' : `Deleted the records of ${count(sources, 'source')}.`);
	return 0;
}
