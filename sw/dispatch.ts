/**
 * The command table. A command's handler takes its payload and answers its reply; what it throws becomes a wire error
 * here and nowhere else.
 */
import { finishParked } from './callback.js';
import {
	CONTRACT_VERSION,
	type CommandMessage,
	type CommandName,
	isOver,
	type Payload,
	type Reply,
	type ReplyMessage,
} from './contract.js';
import { estimate } from './copy/estimate.js';
import { copyDetail, setKeep, startKeep } from './copy/keep.js';
import { getCollecting, setCollecting } from './copy/schedule.js';
import { BrokerError, toWire } from './errors.js';
import { cancelJob, retryJob, runSlice } from './jobs/engine.js';
import { startCollect, startSend } from './jobs/start.js';
import { getJob, viewJob } from './jobs/store.js';
import { clearEverything, forgetEverything, leaveConnection } from './leave.js';
import { announce, overview, viewOne } from './overview.js';
import { getReminders, setReminders } from './reminders.js';
import { getSession, includeInSession, openSession, updateSession, viewSession } from './session/session.js';
import { tendAll } from './tend.js';
import { listActivity, recorded } from './wallet/activity.js';
import { settleArrival } from './wallet/arrival.js';
import { createBackup, restoreBackup, resume } from './wallet/backup.js';
import { inspectFile } from './wallet/backup-file.js';
import { startConnect } from './wallet/connect.js';
import { refreshNow, saveUnsaved } from './wallet/keeper.js';
import { disableLock, enableLock, lockChallenge, lockNow, unlock } from './wallet/lock.js';
import { dismissNotice } from './wallet/notices.js';
import { searchProviders } from './wallet/providers.js';

/** `call` is the message's id, the same when a call is repeated. */
type Handlers = { [C in CommandName]: (payload: Payload<C>, call: string) => Promise<Reply<C>> };

const handlers: Handlers = {
	overview: () => overview(),
	'connections.tend': async () => {
		// Page load never waits for it; the event that brought the command keeps the worker alive meanwhile.
		background(tendAll());
		return {};
	},
	'providers.search': ({ text, limit }) => searchProviders(text, limit),
	'connect.start': ({ target, returnTo, sid }) => startConnect(target, returnTo, sid),
	'connection.refresh': async ({ id }) => {
		await refreshNow(id).catch((error) => {
			// What the provider said is noted with the connection, where the card shows it. What was noted nowhere is an error.
			if (!(error instanceof BrokerError) || error.code === 'connection_unknown') throw error;
		});
		return viewOne(id);
	},
	'connection.remove': async ({ id }) => announced({ open: await leaveConnection(id) }),
	'connections.clear': async () => announced({ open: await clearEverything() }),
	'connect.settle': async ({ id, choice }) => {
		const { connectionId, rest } = await settleArrival(id, choice, includeInSession);
		background(rest.then(announce));
		return announced({ connectionId });
	},
	'wallet.save': async () => announced({ unsaved: await saveUnsaved() }),
	'activity.list': ({ before, limit }) => listActivity(before, limit),
	'reminders.get': () => getReminders(),
	'reminders.set': async (reminders) => announced({}, setReminders(reminders)),
	'lock.enable': async (how) => announced({}, enableLock(how)),
	'lock.disable': async () => announced({}, disableLock()),
	'lock.challenge': () => lockChallenge(),
	'lock.unlock': async ({ key, again }) => {
		await unlock(key, again);
		const { goTo, rest } = await finishParked();
		background(rest.then(announce));
		return announced({ goTo });
	},
	'lock.now': async () => announced({}, lockNow()),
	'backup.create': async (how) => announced(await createBackup(how)),
	'backup.inspect': async ({ file }) => inspectFile(file),
	'backup.restore': async (how) => announced(await restoreBackup(how)),
	'backup.resume': async () => announced({}, resume()),
	'backup.forget': async () => announced({}, forgetEverything()),
	'session.open': async ({ sid, fragment }) => view(await openSession(sid, fragment)),
	'session.choose': async ({ sid, include, from, afterwards }) => {
		const session = await updateSession(sid, { include, from, afterwards });
		return view(session ?? (await getSession(sid)));
	},
	'session.send': async ({ sid, include, from, afterwards }) =>
		announced(viewJob(await startSend(sid, include, afterwards, from))),
	'collect.start': async ({ include, from }, call) => announced(viewJob(await startCollect(call, include, from))),
	estimate: async ({ include, from, sid }) => {
		const wants = sid === null ? [] : ((await getSession(sid)).request?.wants ?? []);
		return { estimates: await estimate(include, from, wants) };
	},
	'copy.keep': async ({ id, on }) => {
		await setKeep(id, on);
		await announce();
		return viewOne(id);
	},
	'copy.update': async ({ id }) => announced(viewJob(await startKeep(id))),
	'copy.get': ({ id }) => copyDetail(id),
	'collecting.get': () => getCollecting(),
	'collecting.set': async (collecting) => announced({}, setCollecting(collecting)),
	'job.run': async ({ id }) => {
		const slice = await runSlice(id);
		// A send that is over has kept or cleared what was made for it; a reading into a copy has left its history.
		if (isOver(slice.job)) await announce();
		return slice;
	},
	'job.retry': async ({ id, without }) => announced(await retryJob(id, without)),
	'job.cancel': async ({ id }) => announced({}, cancelJob(id)),
	'notice.dismiss': async ({ id }) => announced({}, dismissNotice(id)),
};

/** A reply that every tab hears of too, once `work` is done. */
async function announced<R>(reply: R, work?: Promise<unknown>): Promise<R> {
	await work;
	await announce();
	return reply;
}

async function view(session: Awaited<ReturnType<typeof getSession>>) {
	const job = session.jobId ? await getJob(session.jobId).catch(() => null) : null;
	return viewSession(session, job && viewJob(job), Date.now());
}

/** Work that a reply does not wait for; the event's `waitUntil` does. */
const pending = new Set<Promise<unknown>>();

function background(work: Promise<unknown>): void {
	const settled = work.catch(() => {}).finally(() => pending.delete(settled));
	pending.add(settled);
}

/** Calls in progress by id: the page repeats a call that got no reply yet, and gets the same one. */
const calls = new Map<string, Promise<ReplyMessage>>();

/** Answers one message. @returns when everything it set off is over */
export async function dispatch(data: unknown, reply: (message: ReplyMessage) => void): Promise<void> {
	if (!isCommand(data)) return;
	const { id } = data;
	let call = calls.get(id);
	if (!call) {
		call = answer(data);
		calls.set(id, call);
		// Long enough for a repeat that was on its way; the handlers themselves bear repeating.
		void call.then(() => setTimeout(() => calls.delete(id), 60_000));
	}
	reply(await call);
	await Promise.all(pending);
	await recorded();
}

async function answer({ satchel, id, command, payload }: CommandMessage): Promise<ReplyMessage> {
	const of = { satchel: CONTRACT_VERSION, id } as const;
	try {
		if (satchel !== CONTRACT_VERSION) throw new BrokerError('version_mismatch');
		if (!Object.hasOwn(handlers, command)) throw new BrokerError('unknown_command');
		const handler = handlers[command] as (payload: unknown, call: string) => Promise<Reply<CommandName>>;
		return { ...of, ok: true, reply: await handler(payload, id) };
	} catch (error) {
		const wire = toWire(error);
		// A page that asks for more than there is to see does not know yet that this worker has no key.
		if (wire.code === 'locked') background(announce());
		return { ...of, ok: false, error: wire };
	}
}

function isCommand(data: unknown): data is CommandMessage {
	return (
		typeof data === 'object' &&
		data !== null &&
		'satchel' in data &&
		typeof data.satchel === 'number' &&
		'id' in data &&
		typeof data.id === 'string' &&
		'command' in data &&
		typeof data.command === 'string' &&
		'payload' in data &&
		typeof data.payload === 'object'
	);
}
