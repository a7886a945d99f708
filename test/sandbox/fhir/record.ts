/** One patient's record: resources as the very text that is served, parsed only where a search has to look inside. */

/** Any JSON object of FHIR; the sandbox looks inside, it does not validate. */
export type Json = Record<string, unknown>;

export interface Resource {
	readonly type: string;
	readonly id: string;
	/** The JSON as served, octet for octet. */
	readonly text: string;
}

export class Entry implements Resource {
	#parsed: WeakRef<Json> | undefined;
	readonly #values = new Map<string, string[]>();

	constructor(
		readonly type: string,
		readonly id: string,
		readonly text: string,
	) {}

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
