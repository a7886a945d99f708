/** A wallet that keeps copies, beside the sandbox and whoever else a job needs. */
import type { Sandbox } from '../../sandbox/server.js';
import { load as loadJobs, runToEnd, signIn } from '../jobs/world.js';
import { rowsOnDisk } from '../setup.js';

export async function load() {
	return {
		...(await loadJobs()),
		...(await import('../../../sw/copy/copy.js')),
		...(await import('../../../sw/copy/keep.js')),
		...(await import('../../../sw/copy/schedule.js')),
		...(await import('../../../sw/copy/sizes.js')),
		...(await import('../../../sw/copy/sweep.js')),
		...(await import('../../../sw/copy/estimate.js')),
	};
}

export type Worker = Awaited<ReturnType<typeof load>>;

/** Signs in and reads the first copy. */
export async function keep(sandbox: Sandbox, id: string): Promise<Worker> {
	await signIn(sandbox, id);
	const worker = await load();
	await worker.setKeep(id, true);
	await update(worker, id);
	return worker;
}

/** Brings the copy up to date, or goes on with the reading that was begun. */
export async function update(worker: Worker, id: string) {
	return runToEnd(worker, (await worker.startKeep(id)).id);
}

/** The copy's lines that count, by `Type/id`. */
export async function linesOfCopy(id: string, wants: string[] = []): Promise<Map<string, string>> {
	const { getCopy, getConnection } = await load();
	const { Selection } = await import('../../../sw/copy/select.js');
	const connection = await getConnection(id);
	const copy = connection && (await getCopy(connection));
	if (!copy) throw new Error('no copy');
	const selection = new Selection(copy, wants);
	const lines = new Map<string, string>();
	for (const step of selection.steps()) {
		for (const { id, octets } of await selection.take(step)) {
			const key = `${step.type}/${id}`;
			if (lines.has(key)) throw new Error(`${key} is there twice`);
			lines.set(key, new TextDecoder().decode(octets));
		}
	}
	return lines;
}

export async function rowsOf(...kinds: string[]): Promise<IDBValidKey[]> {
	return (await rowsOnDisk()).map(({ key }) => key).filter((key) => kinds.includes((key as string[])[0] ?? ''));
}
