/** One patient's record: resources as the very text that is served, parsed only where a search has to look inside. */

/** Any JSON object of FHIR; the sandbox looks inside, it does not validate. */
export type Json = Record<string, unknown>;

export interface Resource {
	readonly type: string;
	readonly id: string;
	/** The JSON as served. */
	readonly text: string;
}

export class Entry implements Resource {
	#parsed: WeakRef<Json> | undefined;
	readonly #values = new Map<string, string[]>();
	/** The JSON as served, octet for octet. */
	readonly octets: Buffer;

	constructor(
		readonly type: string,
		readonly id: string,
		text: string,
	) {
		this.octets = Buffer.from(text, 'utf8');
	}

	get text(): string {
		return this.octets.toString('utf8');
	}

	get json(): Json {
		const known = this.#parsed?.deref();
		if (known) return known;
		const json = JSON.parse(this.text) as Json;
		this.#parsed = new WeakRef(json);
		return json;
	}

	/** What `extract` finds in the resource, remembered under `key`. */
	values(key: string, extract: (json: Json) => string[]): string[] {
		let values = this.#values.get(key);
		if (!values) {
			values = extract(this.json);
			this.#values.set(key, values);
		}
		return values;
	}
}

export class PatientRecord {
	readonly #types = new Map<string, Map<string, Entry>>();
	bytes = 0;
	/** Raised by every change after the record was made: what is remembered of a search holds for one revision. */
	revision = 0;

	constructor(readonly patientId: string) {}

	/** Adds a resource whose JSON is `text`. A second one of the same type and id is ignored. */
	add(type: string, id: string, text: string): void {
		let entries = this.#types.get(type);
		if (!entries) {
			entries = new Map();
			this.#types.set(type, entries);
		}
		if (entries.has(id)) return;
		entries.set(id, new Entry(type, id, text));
		this.bytes += text.length;
	}

	/** Adds a resource, or puts another text in the place of the one of its type and id. */
	replace(type: string, id: string, text: string): void {
		const before = this.get(type, id);
		if (!before) this.add(type, id, text);
		else {
			this.#types.get(type)?.set(id, new Entry(type, id, text));
			this.bytes += text.length - before.text.length;
		}
		this.revision++;
	}

	/** @returns whether it was there */
	remove(type: string, id: string): boolean {
		const entry = this.get(type, id);
		if (!entry) return false;
		this.#types.get(type)?.delete(id);
		this.bytes -= entry.text.length;
		this.revision++;
		return true;
	}

	get types(): string[] {
		return [...this.#types.keys()];
	}

	list(type: string): Entry[] {
		return [...(this.#types.get(type)?.values() ?? [])];
	}

	get(type: string, id: string): Entry | undefined {
		return this.#types.get(type)?.get(id);
	}

	*all(): Generator<Resource> {
		for (const entries of this.#types.values()) yield* entries.values();
	}
}

/** Changes to a record, as its provider makes them. */
export interface RecordControl {
	/**
	 * Adds a resource, or changes the one of its type and id, with `lastUpdated` (ISO 8601; now) as `meta.lastUpdated` and
	 * the next `meta.versionId`. Whose it is is for the resource to say: `subject`, `patient`.
	 */
	put(resource: Json & { resourceType: string; id: string }, lastUpdated?: string): void;
	/** Takes a resource away: it is found by no search, and reading it gets 404. */
	remove(type: string, id: string): void;
	/** The resource as it is now. */
	get(type: string, id: string): Json | undefined;
	/** `Patient/<id>`, for `subject` and `patient`. */
	readonly patient: { reference: string };
}

export function recordControl(record: PatientRecord): RecordControl {
	return {
		put(resource, lastUpdated = new Date().toISOString()) {
			const { resourceType: type, id } = resource;
			const before = (record.get(type, id)?.json.meta ?? {}) as Json;
			const versionId = String(Number(before.versionId ?? 0) + 1);
			const meta = { ...before, ...(resource.meta as Json | undefined), versionId, lastUpdated };
			record.replace(type, id, JSON.stringify({ ...resource, meta }));
		},
		remove(type, id) {
			if (!record.remove(type, id)) throw new Error(`no such resource: ${type}/${id}`);
		},
		get: (type, id) => record.get(type, id)?.json,
		patient: { reference: `Patient/${record.patientId}` },
	};
}
