/** What the resources of a source say of its documents: a Binary itself has neither title nor date. */
import { clean, type Json, record } from '../json.js';
import { attachedBinary } from '../library/reference.js';

/** Texts of at most 200 characters, clean. */
export interface Description {
	title?: string;
	date?: string;
	type?: string;
	/** Where it is not what one takes it for: `superseded`, `entered-in-error`, `preliminary`, … */
	status?: string;
	/** Who says so: `DocumentReference/abc`. */
	of?: string;
}

/** What nobody needs to be told. */
const USUAL = new Set(['current', 'final']);
/** Another that names the same document says better what it is. */
const WITHDRAWN = new Set(['superseded', 'entered-in-error', 'cancelled']);
/** Binaries of one source that are remembered by name; a document beyond them has no description. */
const MOST = 20_000;

/**
 * Collects descriptions by `Binary.id`, whichever of the two comes first in a stream. DocumentReference
 * (`content[].attachment`) goes before DiagnosticReport (`presentedForm[]`), which often names the same file.
 */
export class Descriptions {
	readonly #known = new Map<string, Description & { from: string }>();

	/** @param fhirBaseUrl of the source; what is on another origin is not one of its documents */
	constructor(readonly fhirBaseUrl: string) {}

	add(resource: Json): void {
		const { resourceType: from } = resource;
		if (from !== 'DocumentReference' && from !== 'DiagnosticReport') return;
		const attachments =
			from === 'DocumentReference'
				? list(resource.content).map((content) => record(content).attachment)
				: list(resource.presentedForm);
		for (const attachment of attachments.map(record)) {
			const id = attachedBinary(attachment.url, this);
			if (id === null) continue;
			const known = this.#known.get(id);
			const about = descriptionOf(resource, attachment);
			if (known ? !isBetter({ from, ...about }, known) : this.#known.size >= MOST) continue;
			this.#known.set(id, { from, ...about });
		}
	}

	of(id: string | null): Description {
		const { from: _, ...description } = (id !== null && this.#known.get(id)) || { from: '' };
		return description;
	}
}

/** What a resource says of an attachment of its own. */
export function descriptionOf(resource: Json, attachment: Json): Description {
	const about = aboutOf(resource);
	const title = text(attachment.title) ?? about.title;
	const date = about.date ?? text(attachment.creation);
	const { id, resourceType } = resource;
	const of = text(typeof id === 'string' && id !== '' ? `${resourceType}/${id}` : undefined);
	const { type, status } = about;
	const all = { title, date, type, status, of };
	return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

function aboutOf(resource: Json): { [part in keyof Description]: string | undefined } {
	switch (resource.resourceType) {
		case 'DocumentReference':
			return {
				title: text(resource.description),
				date: text(resource.date) ?? text(record(record(resource.context).period).start),
				type: concept(resource.type),
				status: unusual(resource.status) ?? unusual(resource.docStatus),
			};
		case 'DiagnosticReport':
			return {
				date: text(resource.effectiveDateTime) ?? text(record(resource.effectivePeriod).start) ?? text(resource.issued),
				type: concept(resource.code),
				status: unusual(resource.status),
			};
		default:
			return { status: unusual(resource.status) };
	}
}

function unusual(status: unknown): string | undefined {
	const said = text(status);
	return said !== undefined && !USUAL.has(said) ? said : undefined;
}

/** A reference says more than a report, and what holds more than what was withdrawn; else the first one counts. */
function isBetter(next: Description & { from: string }, known: Description & { from: string }): boolean {
	const [held, holds] = [known, next].map(({ status = '' }) => !WITHDRAWN.has(status));
	if (held !== holds) return holds === true;
	return known.from !== next.from && next.from === 'DocumentReference';
}

function concept(value: unknown): string | undefined {
	const { text: own, coding } = record(value);
	for (const candidate of [own, ...list(coding).map((item) => record(item).display)]) {
		const found = text(candidate);
		if (found !== undefined) return found;
	}
	return undefined;
}

function text(value: unknown): string | undefined {
	return clean(value) ?? undefined;
}

function list(value: unknown): unknown[] {
	return Array.isArray(value) ? value : [];
}
