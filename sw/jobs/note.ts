/** What is remembered of a job that is over: names, counts and sizes, never what was read. */
import type { JobView, SourceProgress } from '../contract.js';
import { noteFailedReading } from '../copy/history.js';
import { noteSizes } from '../copy/sizes.js';
import { getSession } from '../session/session.js';
import { record } from '../wallet/activity.js';
import { commit } from '../wallet/rows.js';
import { jobKey } from './job.js';
import { leftovers, readJob, startOver } from './store.js';

/**
 * Notes it. Done with every slice that finds the job over, so that a worker's death between the end and the note loses
 * nothing of a job that still has a row, which a finished reading into a copy has not; it is written down once. Never rejects.
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
	// The copy's own transaction has noted it, and of what is kept the copy itself tells.
	if (kind === 'keep') return;
	const what = { send: 'sent', collect: 'downloaded' } as const;
	for (const [index, source] of sources.entries()) {
		const { name, connectionId, kinds, from, step, resources } = source;
		const left = step === 'failed';
		if (left && resources === 0) continue;
		await record({
			what: what[kind],
			at: finishedAt,
			providerName: name,
			connectionId,
			to,
			kinds: kinds.filter(({ count }) => count > 0),
			once: `${once} ${index}`,
		});
		if (from === 'provider' && !left)
			await noteSizes(source, finishedAt, session?.request?.wants ?? []).catch(() => undefined);
	}
}

/** The copy is as it was. A disk that is full must not stay full of what was read in vain. */
async function noteFailedKeep(job: JobView, source: SourceProgress, at: number): Promise<void> {
	const { connectionId, bytes, requests } = source;
	const { code = 'internal' } = job.error ?? {};
	const { value, revision } = await readJob(job.id);
	const mode = value.sources[0]?.mode ?? 'full';
	if (code === 'storage_full')
		await commit([{ key: jobKey(job.id), expect: revision, value: startOver(value, [0]) }, ...leftovers(job.id)]);
	const nothing = { added: 0, changed: 0, removed: 0 };
	const ms = at - job.startedAt;
	await noteFailedReading(connectionId, { at, mode, status: 'failed', ...nothing, bytes, requests, ms, error: code });
}
