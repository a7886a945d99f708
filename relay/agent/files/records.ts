/** Verified NDJSON becomes files: one per resource type, documents decoded, and an index of all of it. */
import type { Source } from '../../contract.js';
import { tell } from '../../report.js';
import { ahead } from '../delivery/ahead.js';
import { lines } from '../delivery/delivery.js';
import type { Json } from '../json.js';
import { INDEX } from '../layout.js';
import { DOCUMENT_TEXT, type DocumentEntry, type Index, type SourceEntry } from '../library/shape.js';
import { attachmentsIn } from './attachments.js';
import { type Description, Descriptions, descriptionOf } from './descriptions.js';
import { DocumentNames, folderName, TypeNames } from './names.js';
import type { Staging } from './staging.js';

export type { DocumentEntry, Index, SourceEntry };

/** Lines that wait for one append; a part may hold millions of short ones. */
const LINES_HELD = 5_000;
/** Resources without it have no attachment that is looked for. */
const DATA = '"data"';
/** Files written to at a time. */
const WRITES = 8;

/** Writes one source, segment by segment; holds what one segment brings. */
export class SourceWriter {
	readonly folder: string;
	readonly #staging: Staging;
	readonly #source: Source;
	readonly #names = new TypeNames();
	readonly #types = new Map<string, number>();
	readonly #documents: DocumentEntry[] = [];
	readonly #descriptions: Descriptions;
	#documentsFolder: Promise<void> | undefined;

	constructor(staging: Staging, position: number, source: Source) {
		this.#staging = staging;
		this.#source = source;
		this.#descriptions = new Descriptions(source.fhirBaseUrl);
		this.folder = folderName(position, source.name);
	}

	async start(): Promise<void> {
		await this.#staging.folder(this.folder);
	}

	/** @throws {AgentError} `stream_invalid`, `output_failed` */
	async add(ndjson: Buffer): Promise<void> {
		let byType = new Map<string, Buffer[]>();
		let held = 0;
		const flush = async () => {
			const append = ([type, list]: [string, Buffer[]]) =>
				this.#staging.append(`${this.folder}/${type}.ndjson`, Buffer.concat(list));
			const appended = ahead(byType, WRITES, append);
			while (!(await appended.next()).done);
			byType = new Map();
			held = 0;
		};
		for (const { octets, resource } of lines(ndjson)) {
			const type = this.#names.of(resource.resourceType);
			this.#types.set(type, (this.#types.get(type) ?? 0) + 1);
			const list = byType.get(type);
			if (list) list.push(octets);
			else byType.set(type, [octets]);
			this.#descriptions.add(resource);
			// DSTU2 calls it content.
			if (type === 'Binary') await this.#addDocument(resource, resource.data ?? resource.content);
			if (octets.includes(DATA))
				for (const attachment of attachmentsIn(resource))
					await this.#addDocument(
						{ contentType: attachment.contentType },
						attachment.data,
						descriptionOf(resource, attachment),
					);
			if (++held === LINES_HELD) await flush();
		}
		await flush();
	}

	async #addDocument({ id, contentType }: Json, data: unknown, description: Description = {}): Promise<void> {
		const entry: DocumentEntry = {
			...description,
			id: shortOrNull(id),
			contentType: shortOrNull(contentType),
			bytes: 0,
		};
		this.#documents.push(entry);
		if (typeof data !== 'string') {
			entry.problem = 'no_data';
			return;
		}
		const octets = decodeBase64(data);
		if (!octets) {
			entry.problem = 'not_base64';
			return;
		}
		entry.bytes = octets.length;
		// No document's name is like this one: the provisional ones stand in nobody's way.
		entry.file = `documents/.${this.#documents.length}`;
		this.#documentsFolder ??= this.#staging.folder(`${this.folder}/documents`);
		await this.#documentsFolder;
		await this.#staging.append(`${this.folder}/${entry.file}`, octets);
	}

	/** Documents get their names here: what tells of one may come after it. @throws {AgentError} `output_failed` */
	async finish(): Promise<SourceEntry> {
		const { name, fhirBaseUrl, patient, fetchedAt, fhirVersion, bytes, resources, queries } = this.#source;
		const documents = this.#documents.map((entry) => ({ ...entry, ...this.#descriptions.of(entry.id) }));
		const names = new DocumentNames();
		for (const entry of documents) {
			if (entry.file === undefined) continue;
			const file = `documents/${names.of(entry, entry.contentType)}`;
			await this.#staging.rename(`${this.folder}/${entry.file}`, `${this.folder}/${file}`);
			entry.file = file;
		}
		return {
			name,
			folder: this.folder,
			patient,
			fhirBaseUrl,
			fetchedAt,
			...(fhirVersion !== undefined && { fhirVersion }),
			resources: resources - (this.#types.get('OperationOutcome') ?? 0),
			bytes,
			types: Object.fromEntries([...this.#types].sort(([a], [b]) => (a < b ? -1 : 1))),
			documents,
			queries,
			...tell(queries),
		};
	}
}

export async function writeIndex(staging: Staging, index: Index): Promise<void> {
	await staging.append(INDEX, `${JSON.stringify(index, null, '\t')}\n`);
}

/** What is longer than any id or media type is none. */
function shortOrNull(value: unknown): string | null {
	return typeof value === 'string' && value.length <= DOCUMENT_TEXT ? value : null;
}

/** FHIR base64Binary may hold white space. Null unless base64; Buffer alone would skip what it does not know. */
function decodeBase64(data: string): Buffer | null {
	const bare = data.replace(/\s+/g, '').replace(/={1,2}$/, '');
	if (bare.length % 4 === 1 || !/^[A-Za-z0-9+/]*$/.test(bare)) return null;
	return Buffer.from(bare, 'base64');
}
