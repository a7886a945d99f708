/** What is remembered of a job that is over: names, counts and sizes, never what was read. */
import type { JobView, SourceProgress } from '../contract.js';
import { sinceOf } from '../copy/copy.js';
import { noteFailedReading } from '../copy/history.js';
import { noteSizes } from '../copy/sizes.js';
import { getSession } from '../session/session.js';
import { record } from '../wallet/activity.js';
import { commit, read } from '../wallet/rows.js';
import { type Job, jobKey } from './job.js';
import { leftovers, startOver } from './store.js';

/**
 * Notes it. Done with every slice that finds the job over, so that a worker's death between the end and the note loses
 * nothing; it is written down once. Never rejects.
 */
export async function noteJob(job: JobView): Promise<void> {
	const { id, kind, sid, status, sources, error, finishedAt } = job;
	if (finishedAt === null || (status !== 'done' && status !== 'failed')) return;
	// A retry that ends, ends at another time.
	const once = `${id} ${finishedAt}`;
	const session = sid === null ? null : await getSession(sid).catch(() => null);
	const to = session?.request?.who ?? null;
	if (status === 'failed') {
		if (kind === 'collect') return;
		const [only, another] = sources;
		const where = another ? {} : { providerName: only?.name ?? null, connectionId: only?.connectionId ?? null };
		const what = kind === 'keep' ? 'copy_failed' : 'send_failed';
		await record({ what, at: finishedAt, to, code: error?.code ?? null, ...where, once });
		if (kind === 'keep' && only) await noteFailedKeep(job, only, finishedAt).catch(() => undefined);
		return;
	}
	const what = { send: 'sent', collect: 'downloaded', keep: 'copied' } as const;
	for (const [index, source] of sources.entries()) {
		const { name, connectionId, kinds, from } = source;
		await record({
			what: what[kind],
			at: finishedAt,
			providerName: name,
			connectionId,
			to,
			kinds: kinds.filter(({ count }) => count > 0),
			once: `${once} ${index}`,
		});
		// Of what is kept, the copy itself tells.
		if (kind !== 'keep' && from === 'provider')
			await noteSizes(source, finishedAt, session?.request?.wants ?? []).catch(() => undefined);
	}
}

/** The copy is as it was. A disk that is full must not stay full of what was read in vain. */
async function noteFailedKeep(job: JobView, source: SourceProgress, at: number): Promise<void> {
	const { connectionId, bytes, requests } = source;
	const { code = 'internal' } = job.error ?? {};
	if (code === 'storage_full') {
		const row = await read<Job>(jobKey(job.id));
		const change = row && { key: jobKey(job.id), expect: row.revision, value: startOver(row.value, [0]) };
		if (change) await commit([change, ...leftovers(job.id)]);
	}
	const mode = Object.keys(await sinceOf(connectionId)).length > 0 ? 'incremental' : 'full';
	const nothing = { added: 0, changed: 0, removed: 0 };
	const ms = at - job.startedAt;
	await noteFailedReading(connectionId, { at, mode, status: 'failed', ...nothing, bytes, requests, ms, error: code });
}
