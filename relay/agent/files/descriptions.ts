/** What the resources of a source say of its documents: a Binary itself has neither title nor date. */

/** Texts of at most 200 characters. */
export interface Description {
	title?: string;
	date?: string;
	type?: string;
}

const CHARACTERS = 200;
/** Binaries of one source that are remembered by name; a document beyond them has no description. */
const MOST = 20_000;

/**
 * Collects descriptions by `Binary.id`, whichever of the two comes first in a stream. DocumentReference
 * (`content[].attachment`) goes before DiagnosticReport (`presentedForm[]`), which often names the same file.
 */
export class Descriptions {
	readonly #known = new Map<string, Description & { from: string }>();

	/** @param fhirBaseUrl of the source; what is on another origin is not one of its documents */
	constructor(private readonly fhirBaseUrl: string) {}

	add(resource: Record<string, unknown>): void {
		const { resourceType: from } = resource;
		if (from === 'DocumentReference') {
			const attachments = list(resource.content).map((content) => record(content).attachment);
			const date = text(resource.date) ?? text(record(record(resource.context).period).start);
			this.#describe(attachments, from, { title: text(resource.description), date, type: concept(resource.type) });
		} else if (from === 'DiagnosticReport') {
			const date =
				text(resource.effectiveDateTime) ?? text(record(resource.effectivePeriod).start) ?? text(resource.issued);
			this.#describe(list(resource.presentedForm), from, { title: undefined, date, type: concept(resource.code) });
		}
	}

	of(id: string | null): Description {
		const { from: _, ...description } = (id !== null && this.#known.get(id)) || { from: '' };
		return description;
	}

	#describe(attachments: unknown[], from: string, of: { [part in keyof Description]: string | undefined }): void {
		for (const attachment of attachments.map(record)) {
			const id = this.#binaryId(attachment.url);
			if (id === null) continue;
			const known = this.#known.get(id);
			if (known ? known.from === from || from === 'DiagnosticReport' : this.#known.size >= MOST) continue;
			const title = text(attachment.title) ?? of.title;
			const date = of.date ?? text(attachment.creation);
			this.#known.set(id, {
				from,
				...(title !== undefined && { title }),
				...(date !== undefined && { date }),
				...(of.type !== undefined && { type: of.type }),
			});
		}
	}

	/** The id in `…/Binary/<id>`, with or without a version, on the origin of the source. */
	#binaryId(url: unknown): string | null {
		if (typeof url !== 'string' || url.length > 3000) return null;
		const base = `${this.fhirBaseUrl.replace(/\/+$/, '')}/`;
		if (!URL.canParse(url, base)) return null;
		const { origin, pathname } = new URL(url, base);
		if (origin !== new URL(base).origin) return null;
		return /\/Binary\/([A-Za-z0-9.-]{1,64})(?:\/_history\/[^/]+)?\/?$/.exec(pathname)?.[1] ?? null;
	}
}

function concept(value: unknown): string | undefined {
	const { text: own, coding } = record(value);
	for (const candidate of [own, ...list(coding).map((item) => record(item).display)]) {
		const found = text(candidate);
		if (found !== undefined) return found;
	}
	return undefined;
}

/** A copy on its own: a slice would keep the whole text in memory. */
function text(value: unknown): string | undefined {
	if (typeof value !== 'string') return undefined;
	const short = [
		...value
			.slice(0, 4 * CHARACTERS)
			.replace(/\s+/g, ' ')
			.trim(),
	]
		.slice(0, CHARACTERS)
		.join('');
	return short || undefined;
}

function record(value: unknown): Record<string, unknown> {
	return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function list(value: unknown): unknown[] {
	return Array.isArray(value) ? value : [];
}
