/** The state of the wallet as every page sees it, and the broadcast that keeps the pages up to date. */
import {
	CONTRACT_VERSION,
	type ConnectionView,
	EVENTS_CHANNEL,
	isOver,
	type Overview,
	type WorkerEvent,
} from './contract.js';
import { copyViews } from './copy/copy.js';
import { BrokerError } from './errors.js';
import { listJobs, viewJob } from './jobs/store.js';
import { badge } from './reminders.js';
import { otherPatient } from './wallet/arrival.js';
import { getConnection, listConnections, viewConnection } from './wallet/connections.js';
import { isRefreshing } from './wallet/keeper.js';
import { lockState } from './wallet/lock.js';
import { currentNotice } from './wallet/notices.js';
import { pausedSince } from './wallet/pause.js';
import { hasUnsaved } from './wallet/unsaved.js';

let channel: BroadcastChannel | undefined;
/** Only ever compared within one browser; a worker that starts anew counts on from the clock. */
let revision = Date.now();

function broadcast(event: WorkerEvent): void {
	channel ??= new BroadcastChannel(EVENTS_CHANNEL);
	channel.postMessage(event);
}

export async function overview(): Promise<Overview> {
	const current = await look();
	// An end can have come near since the last change; the answer does not wait for the icon.
	void showBadge(current);
	return current;
}

/** What a locked wallet would show nobody can say. */
async function showBadge({ lock, connections }: Overview): Promise<void> {
	if (lock !== 'locked') await badge(connections);
}

const NOTHING = { connections: [], jobs: [], notice: null, paused: null, otherPatient: null };

/** What was last seen; kept for when the disk cannot be read and somebody must be told that tokens are not on it. */
let last: Omit<Overview, 'revision' | 'online' | 'unsaved'> = { ...NOTHING, lock: 'off' };

async function look(): Promise<Overview> {
	revision = Math.max(revision + 1, Date.now());
	const current = { revision, online: navigator.onLine, unsaved: hasUnsaved() };
	try {
		last = await readAll();
	} catch (error) {
		if (!hasUnsaved()) throw error;
		current.unsaved = true;
	}
	return { ...last, ...current };
}

async function readAll(): Promise<typeof last> {
	const now = Date.now();
	const lock = await lockState();
	if (lock === 'locked') return { ...NOTHING, lock };
	const [connections, copies, jobs, notice, paused, other] = await Promise.all([
		listConnections(),
		copyViews(),
		listJobs(),
		currentNotice(),
		pausedSince(),
		otherPatient(),
	]);
	return {
		lock,
		connections: connections.map((connection) =>
			viewConnection(connection, now, isRefreshing(connection.id), copies.get(connection.id)),
		),
		jobs: jobs.filter((job) => !isOver(job) || job.kind !== 'send').map(viewJob),
		notice,
		paused,
		otherPatient: other,
	};
}

/** Tells every tab how things stand. */
export async function announce(): Promise<void> {
	const current = await look();
	broadcast({ satchel: CONTRACT_VERSION, event: 'overview', overview: current });
	await showBadge(current);
}

export function announceJob(job: ReturnType<typeof viewJob>): void {
	broadcast({ satchel: CONTRACT_VERSION, event: 'job', job });
}

export async function viewOne(id: string): Promise<ConnectionView> {
	const connection = await getConnection(id);
	if (!connection) throw new BrokerError('connection_unknown');
	return viewConnection(connection, Date.now(), isRefreshing(id), (await copyViews()).get(id));
}
