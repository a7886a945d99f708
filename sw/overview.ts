/** The state of the wallet as every page sees it, and the broadcast that keeps the pages up to date. */
import { CONTRACT_VERSION, type ConnectionView, EVENTS_CHANNEL, type Overview, type WorkerEvent } from './contract.js';
import { BrokerError } from './errors.js';
import { isOver } from './jobs/job.js';
import { listJobs, viewJob } from './jobs/store.js';
import { badge } from './reminders.js';
import { otherPatient } from './wallet/arrival.js';
import { pausedSince } from './wallet/backup.js';
import { getConnection, listConnections, viewConnection } from './wallet/connections.js';
import { hasUnsaved, isRefreshing } from './wallet/keeper.js';
import { lockState } from './wallet/lock.js';
import { currentNotice } from './wallet/notices.js';

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
	void badge(current.connections);
	return current;
}

async function look(): Promise<Overview> {
	revision = Math.max(revision + 1, Date.now());
	const current = revision;
	const now = Date.now();
	const common = { revision: current, online: navigator.onLine, lock: await lockState(), unsaved: hasUnsaved() };
	if (common.lock === 'locked') {
		return { ...common, connections: [], jobs: [], notice: null, paused: null, otherPatient: null };
	}
	const [connections, jobs, notice, paused, other] = await Promise.all([
		listConnections(),
		listJobs(),
		currentNotice(),
		pausedSince(),
		otherPatient(),
	]);
	return {
		...common,
		connections: connections.map((connection) => viewConnection(connection, now, isRefreshing(connection.id))),
		jobs: jobs.filter((job) => !isOver(job) || job.kind === 'collect').map(viewJob),
		notice,
		paused,
		otherPatient: other,
	};
}

/** Tells every tab how things stand. */
export async function announce(): Promise<void> {
	const current = await look();
	broadcast({ satchel: CONTRACT_VERSION, event: 'overview', overview: current });
	await badge(current.connections);
}

export function announceJob(job: ReturnType<typeof viewJob>): void {
	broadcast({ satchel: CONTRACT_VERSION, event: 'job', job });
}

export async function viewOne(id: string): Promise<ConnectionView> {
	const connection = await getConnection(id);
	if (!connection) throw new BrokerError('connection_unknown');
	return viewConnection(connection, Date.now(), isRefreshing(id));
}
