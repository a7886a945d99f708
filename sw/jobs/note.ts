/** What the activity log says of a job that is over: names and counts, never what was read. */
import type { JobView } from '../contract.js';
import { getSession } from '../session/session.js';
import { record } from '../wallet/activity.js';

/**
 * Notes it. Done with every slice that finds the job over, so that a worker's death between the end and the note loses
 * nothing; it is written down once. Never rejects.
 */
export async function noteJob({ id, kind, sid, status, sources, error, finishedAt }: JobView): Promise<void> {
	if (finishedAt === null || (status !== 'done' && status !== 'failed')) return;
	// A retry that ends, ends at another time.
	const once = `${id} ${finishedAt}`;
	const session = sid === null ? null : await getSession(sid).catch(() => null);
	const to = session?.request?.who ?? null;
	if (status === 'failed') {
		if (kind !== 'send') return;
		const [only, another] = sources;
		const where = another ? {} : { providerName: only?.name ?? null, connectionId: only?.connectionId ?? null };
		await record({ what: 'send_failed', at: finishedAt, to, code: error?.code ?? null, ...where, once });
		return;
	}
	for (const [index, { name, connectionId, kinds }] of sources.entries()) {
		await record({
			what: kind === 'send' ? 'sent' : 'downloaded',
			at: finishedAt,
			providerName: name,
			connectionId,
			to,
			kinds: kinds.filter(({ count }) => count > 0),
			once: `${once} ${index}`,
		});
	}
}
