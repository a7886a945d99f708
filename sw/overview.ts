/** The state of the wallet as every page sees it, and the broadcast that keeps the pages up to date. */
import { CONTRACT_VERSION, type ConnectionView, EVENTS_CHANNEL, type Overview, type WorkerEvent } from './contract.js';
import { BrokerError } from './errors.js';
import { isOver } from './jobs/job.js';
import { listJobs, viewJob } from './jobs/store.js';
import { getConnection, listConnections, viewConnection } from './wallet/connections.js';
import { isRefreshing } from './wallet/keeper.js';
import { currentNotice } from './wallet/notices.js';

let channel: BroadcastChannel | undefined;
/** Only ever compared within one browser; a worker that starts anew counts on from the clock. */
let revision = Date.now();

function broadcast(event: WorkerEvent): void {
	channel ??= new BroadcastChannel(EVENTS_CHANNEL);
	channel.postMessage(event);
}

export async function overview(): Promise<Overview> {
	revision = Math.max(revision + 1, Date.now());
	const current = revision;
	const now = Date.now();
	const [connections, jobs, notice] = await Promise.all([listConnections(), listJobs(), currentNotice()]);
	return {
		revision: current,
		connections: connections.map((connection) => viewConnection(connection, now, isRefreshing(connection.id))),
		jobs: jobs.filter((job) => !isOver(job) || job.kind === 'collect').map(viewJob),
		notice,
		online: navigator.onLine,
	};
}

/** Tells every tab how things stand. */
export async function announce(): Promise<void> {
	broadcast({ satchel: CONTRACT_VERSION, event: 'overview', overview: await overview() });
}

export function announceJob(job: ReturnType<typeof viewJob>): void {
	broadcast({ satchel: CONTRACT_VERSION, event: 'job', job });
}

export async function viewOne(id: string): Promise<ConnectionView> {
	const connection = await getConnection(id);
	if (!connection) throw new BrokerError('connection_unknown');
	return viewConnection(connection, Date.now(), isRefreshing(id));
}
