/** What a send asks of the EHR and of the relay, against what it would take done plainly. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Agent } from './agent.js';
import { type Logged, startStack } from './processes.js';
import { octetsOf } from './record.js';
import { SYSTEM, sendOnce } from './send.js';

export interface Thrift {
	mb: number;
	/** Practitioners in the record; a quarter as many locations. */
	staff: number;
	/** Requests to the EHR, preflights left out (there is one for each). */
	requests: number;
	pages: number;
	documents: number;
	/** Distinct resources that the record refers to and no search of the patient's brings. */
	references: number;
	/** The parts' bodies as they came to the relay, in octets. */
	uploaded: number;
	/** What the agent has of it, source by source, by gzip at level 6. */
	gzipped: number;
}

export async function measureThrift(mb: number, staff: number): Promise<Thrift> {
	const stack = await startStack({ network: 'loopback', bytes: octetsOf(mb), staff });
	try {
		let lines: Buffer[] = [];
		await sendOnce(stack, {
			ready: async () => {
				await Promise.all([stack.ehr.log(), stack.relay.log()]);
			},
			done: async (_page, agent) => {
				lines = await sources(agent);
			},
		});
		const asked = (await stack.ehr.log()).filter(({ method }) => method === 'GET').map(fhirRequest);
		const pages = asked.filter((request) => request?.kind === 'page');
		const searched = new Set(pages.map((page) => page?.type));
		const references = new Set<string>();
		for (const octets of lines) {
			for (const [, target = '', type] of octets.toString('utf8').matchAll(/"reference":"(([A-Z]\w+)\/[^"/]+)"/g))
				if (!searched.has(type) && type !== 'Patient') references.add(target);
		}
		const puts = (await stack.relay.log()).filter(({ method }) => method === 'PUT');
		return {
			mb,
			staff,
			requests: asked.filter(Boolean).length,
			pages: pages.length,
			documents: asked.filter((request) => request?.type === 'Binary').length,
			references: references.size,
			uploaded: puts.filter(({ url }) => !url.includes('manifest')).reduce((sum, { length }) => sum + length, 0),
			gzipped: lines.reduce((sum, octets) => sum + gzipSync(octets, { level: 6 }).length, 0),
		};
	} finally {
		await stack.close();
	}
}

/** Undefined for what is not below the FHIR base. */
function fhirRequest({ url }: Logged): { kind: 'page' | 'batch' | 'read' | 'metadata'; type: string } | undefined {
	const { pathname, searchParams } = new URL(url, 'http://localhost');
	const [, system, area, type = '', id] = pathname.split('/');
	if (system !== SYSTEM || area?.toLowerCase() !== 'fhir' || type.startsWith('.')) return undefined;
	if (type === 'metadata') return { kind: 'metadata', type };
	if (id !== undefined) return { kind: 'read', type };
	return { kind: searchParams.has('_id') ? 'batch' : 'page', type };
}

/** The NDJSON that the agent wrote, of each source in one piece. */
async function sources({ dir }: Agent): Promise<Buffer[]> {
	const folders = (await readdir(dir, { withFileTypes: true })).filter((entry) => entry.isDirectory());
	return Promise.all(
		folders.map(async ({ name }) => {
			const files = (await readdir(join(dir, name))).filter((file) => file.endsWith('.ndjson')).sort();
			return Buffer.concat(await Promise.all(files.map((file) => readFile(join(dir, name, file)))));
		}),
	);
}
