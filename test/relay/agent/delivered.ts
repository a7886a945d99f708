/** Deliveries for the tests of what reads them: written as a wallet's are, or held in memory. */

import type { Index, SourceEntry } from '../../../relay/agent/files/records.js';
import { SourceWriter, writeIndex } from '../../../relay/agent/files/records.js';
import { Staging } from '../../../relay/agent/files/staging.js';
import type { Item, Library } from '../../../relay/agent/library/library.js';
import { openLibrary } from '../../../relay/agent/library/library.js';
import type { QueryReport } from '../../../relay/contract.js';
import { tell } from '../../../relay/report.js';
import { temporaryFolder } from './fake.js';

export type Json = Record<string, unknown>;

export interface Delivered {
	name: string;
	/** NDJSON lines as served, or resources. */
	records: readonly (string | Json)[];
	queries?: QueryReport[];
	patient?: SourceEntry['patient'];
	fhirVersion?: string;
}

const PLACE = { fhirBaseUrl: 'https://ehr.example/fhir', fetchedAt: '2026-11-22T11:59:00.000Z' };
const TIMES = {
	v: 2 as const,
	sentAt: '2026-11-22T12:00:00.000Z',
	receivedAt: '2026-11-22T12:00:01.000Z',
	redaction: null,
};

/** Written by the agent's own writer, and opened again. */
export async function delivered(sources: Delivered[]): Promise<Library> {
	const staging = await Staging.create(temporaryFolder());
	const entries: SourceEntry[] = [];
	for (const [position, { name, records, queries = [], patient = { id: 'p1' }, fhirVersion }] of sources.entries()) {
		const text = records.map((one) => `${typeof one === 'string' ? one : JSON.stringify(one)}\n`).join('');
		const version = fhirVersion === undefined ? {} : { fhirVersion };
		const told = { name, patient, queries, bid: '', key: '', parts: [''], bytes: Buffer.byteLength(text) };
		const writer = new SourceWriter(staging, position, { ...PLACE, ...told, ...version, resources: records.length });
		await writer.start();
		await writer.add(Buffer.from(text));
		entries.push(await writer.finish());
	}
	await writeIndex(staging, { ...TIMES, sources: entries });
	return openLibrary(staging.path);
}

/** In memory: for shapes that no file would have, and for many runs. */
export function held(
	sources: (Delivered & Partial<Pick<SourceEntry, 'documents'>>)[],
	index: Partial<Index> = {},
): Library {
	const entries = sources.map(
		({ name, records, queries = [], patient = { id: 'p1' }, documents = [] }, i): SourceEntry => {
			const folder = `0${i + 1}-source`;
			return {
				...PLACE,
				name,
				folder,
				patient,
				resources: 0,
				bytes: 0,
				types: typesOf(records),
				documents,
				queries,
				...tell(queries),
			};
		},
	);
	return {
		dir: '/nowhere',
		index: { ...TIMES, sources: entries, ...index },
		async *items(types) {
			for (const [i, { records }] of sources.entries())
				for (const one of records) {
					const source = entries[i] as SourceEntry;
					const resource = parsed(one);
					const ref = `${source.folder}/${resource.resourceType}/${resource.id}`;
					if (!types || types.includes(String(resource.resourceType))) yield { ref, source, resource } satisfies Item;
				}
		},
		item: () => Promise.reject(new Error('not held')),
		document: () => Promise.reject(new Error('not held')),
	};
}

const parsed = (one: string | Json): Json => (typeof one === 'string' ? JSON.parse(one) : one);

function typesOf(records: Delivered['records']): Record<string, number> {
	const types = records.map((one) => String(parsed(one).resourceType));
	return Object.fromEntries([...new Set(types)].map((type) => [type, types.filter((other) => other === type).length]));
}

/** What a wallet tells of queries that were all answered. */
export function answered(...queries: string[]): QueryReport[] {
	return queries.map((query) => ({ query, status: 'ok', count: 1 }));
}
