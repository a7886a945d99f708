/** Makes jobs: the rows that the engine then runs. */
import { type From, isOver } from '../contract.js';
import { BrokerError } from '../errors.js';
import { getSession, type Session, sessionKey } from '../session/session.js';
import { type Connection, getConnection } from '../wallet/connections.js';
import { Conflict, commit } from '../wallet/rows.js';
import { cancelJob } from './engine.js';
import { type Job, jobKey, type Source } from './job.js';
import { getJob, unread } from './store.js';

/** Where each connection's records are read from; `provider` where it is missing. */
type Froms = Readonly<Record<string, From>>;

/**
 * The job that sends `include` to a session. Asking again for a send that is under way, or done, answers that one; a
 * failed one is given up for a new choice.
 * @throws {BrokerError} `session_not_found`, `session_gone`, `already_sent`, `nothing_selected`, `connection_unknown`
 */
export async function startSend(
	sid: string,
	include: string[],
	afterwards: Job['afterwards'],
	from: Froms = {},
): Promise<Job> {
	return navigator.locks.request(`send ${sid}`, async () => {
		const session = await getSession(sid);
		const current = session.jobId ? await getJob(session.jobId).catch(() => undefined) : undefined;
		if (current && (!isOver(current) || current.status === 'done')) return current;
		checkOpen(session);
		const job = await makeJob(crypto.randomUUID(), 'send', include, from, { sid, afterwards });
		if (current) await cancelJob(current.id);
		// One commit: two jobs for one session, after a death in between, would seal two deliveries.
		// `afterwards` stays as the person chose it: null where there was nothing to choose.
		await commit([
			{ key: jobKey(job.id), expect: 0, value: job },
			{ key: sessionKey(sid), value: { ...session, jobId: job.id, include, from } },
		]);
		return job;
	});
}

function checkOpen({ state, expiresAt, claimed }: Session): void {
	if (state === 'sent') throw new BrokerError('already_sent');
	if (state === 'gone' || !claimed || expiresAt <= Date.now()) throw new BrokerError('session_gone');
}

/**
 * The job whose result is downloaded.
 * @param id the call's, so that a repeated call finds the job of the first
 * @throws {BrokerError} `nothing_selected`, `connection_unknown`
 */
export async function startCollect(id: string, include: string[], from: Froms = {}): Promise<Job> {
	const job = await makeJob(id, 'collect', include, from, { sid: null, afterwards: 'keep' });
	try {
		await commit([{ key: jobKey(id), expect: 0, value: job }]);
		return job;
	} catch (error) {
		if (error instanceof Conflict) return getJob(id);
		throw error;
	}
}

export async function makeJob(
	id: string,
	kind: Job['kind'],
	include: string[],
	from: Froms,
	rest: Pick<Job, 'sid' | 'afterwards'>,
): Promise<Job> {
	if (!include.length) throw new BrokerError('nothing_selected');
	const connections = await Promise.all([...new Set(include)].map(getConnection));
	return {
		id,
		kind,
		...rest,
		status: 'running',
		error: null,
		sources: connections.map((connection) => makeSource(connection, from)),
		manifest: null,
		delivered: false,
		rests: 0,
		parts: { sealed: 0, sent: 0 },
		sealed: { bytes: 0, sentBytes: 0 },
		startedAt: Date.now(),
		finishedAt: null,
	};
}

function makeSource(connection: Connection | undefined, from: Froms): Source {
	if (!connection) throw new BrokerError('connection_unknown');
	return {
		connectionId: connection.id,
		from: from[connection.id] ?? 'provider',
		...unread(),
		name: connection.provider.name,
		fhirBaseUrl: connection.fhirBaseUrl,
		patient: { id: connection.patientId, ...connection.patient },
		step: 'waiting',
		error: null,
	};
}
