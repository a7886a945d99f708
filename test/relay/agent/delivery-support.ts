/** Deliveries on disk, written by the agent's own writer as if they had come from a wallet. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Index, SourceWriter, writeIndex } from '../../../relay/agent/files/records.js';
import { Staging } from '../../../relay/agent/files/staging.js';
import type { QueryReport } from '../../../relay/contract.js';
import { temporaryFolder } from './fake.js';

export interface Delivered {
	name?: string;
	/** Objects, or lines as served. */
	resources: (object | string)[];
	queries?: QueryReport[];
	fetchedAt?: string;
}

/** Writes `sources` into a folder of its own, which is gone after the test. */
export async function deliver(...sources: Delivered[]): Promise<string> {
	const out = temporaryFolder();
	const staging = await Staging.create(out);
	const entries: Index['sources'] = [];
	for (const [position, { name = 'Lakeside Health', resources, queries = [], fetchedAt }] of sources.entries()) {
		const text = resources.map((one) => `${typeof one === 'string' ? one : JSON.stringify(one)}\n`).join('');
		const writer = new SourceWriter(staging, position, {
			name,
			fhirBaseUrl: 'https://ehr.example/fhir/r4',
			patient: { id: 'secret-patient-id', name: 'Zoë Núñez', birthDate: '1970-01-02' },
			fetchedAt: fetchedAt ?? '2026-11-22T11:59:00.000Z',
			bid: 'A'.repeat(22),
			key: 'A'.repeat(43),
			parts: ['A'.repeat(43)],
			bytes: Buffer.byteLength(text),
			resources: resources.length,
			queries,
		});
		await writer.start();
		await writer.add(Buffer.from(text));
		entries.push(await writer.finish());
	}
	await writeIndex(staging, {
		v: 2,
		sentAt: '2026-11-22T12:00:00.000Z',
		receivedAt: '2026-11-22T12:00:05.000Z',
		redaction: null,
		sources: entries,
	});
	await staging.commit(
		entries.map(({ folder }) => folder),
		false,
	);
	await staging.discard();
	return out;
}

/** Changes one place of the index, as somebody with the folder could. */
export function tamper(dir: string, path: (string | number)[], value: unknown): void {
	const file = join(dir, 'index.json');
	const index = JSON.parse(readFileSync(file, 'utf8'));
	const holder = path.slice(0, -1).reduce((at, step) => at[step], index);
	holder[path.at(-1) ?? ''] = value;
	writeFileSync(file, JSON.stringify(index));
}

/** A folder that others may not see, with something in it that nobody asked for. */
export function strangersFolder(): string {
	const dir = temporaryFolder();
	mkdirSync(join(dir, 'documents'));
	writeFileSync(join(dir, 'Condition.ndjson'), '{"resourceType":"Condition","id":"stolen"}\n');
	writeFileSync(join(dir, 'documents', 'a.txt'), 'stolen');
	return dir;
}
