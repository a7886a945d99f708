/**
 * `index.json` as it may come from a disk: shapes, sizes and names checked, since others may have written to it. Whatever
 * `records.ts` writes passes.
 */
import * as v from 'valibot';
import { QueryReport, Source } from '../../contract.js';
import { FOLDER_NAME } from '../files/names.js';
import type { Index } from '../files/records.js';

/** Octets. A delivery of 100,000 documents has an index of some 30 MB. */
export const INDEX_BYTES = 128 * 1024 * 1024;

const whole = v.pipe(v.number(), v.integer(), v.minValue(0));
const text = (max: number) => v.pipe(v.string(), v.maxLength(max));

/** A file directly in `documents`, and none that is hidden. */
const documentFile = v.pipe(text(600), v.regex(/^documents\/[^./\\\p{Cc}][^/\\\p{Cc}]*$/u, 'not a name that we give'));

const DocumentEntry = v.object({
	id: v.nullable(v.string()),
	contentType: v.nullable(v.string()),
	bytes: whole,
	title: v.exactOptional(v.string()),
	date: v.exactOptional(v.string()),
	type: v.exactOptional(v.string()),
	file: v.exactOptional(documentFile),
	problem: v.exactOptional(v.picklist(['no_data', 'not_base64'])),
});

/** Not `v.record`, which leaves out `constructor`: a provider may call a type so, and nothing may be missing unsaid. */
function isTypes(value: unknown): boolean {
	if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
	const types = Object.entries(value);
	return types.length <= 300 && types.every(([type, lines]) => /^[A-Za-z]{1,64}$/.test(type) && v.is(whole, lines));
}

const SourceEntry = v.object({
	name: text(300),
	folder: v.pipe(v.string(), v.regex(FOLDER_NAME)),
	patient: Source.entries.patient,
	fhirBaseUrl: text(2000),
	fetchedAt: v.string(),
	fhirVersion: v.exactOptional(text(20)),
	resources: whole,
	bytes: whole,
	types: v.custom<Record<string, number>>(isTypes),
	documents: v.array(DocumentEntry),
	queries: v.pipe(v.array(QueryReport), v.maxLength(20_000)),
	summary: v.object({ ok: whole, empty: whole, refused: whole, failed: whole }),
	failed: v.pipe(v.array(QueryReport), v.maxLength(20_000)),
	notes: v.exactOptional(v.record(v.string(), v.string())),
});

const unique = (list: readonly (string | undefined)[]) => new Set(list).size === list.length;

export const IndexShape = v.object({
	v: v.literal(2),
	sentAt: v.string(),
	receivedAt: v.string(),
	redaction: v.nullable(v.record(v.string(), v.unknown())),
	sources: v.pipe(
		v.array(SourceEntry),
		v.maxLength(256),
		v.check((sources) => unique(sources.map(({ folder }) => folder)), 'two sources in one folder'),
	),
}) satisfies v.GenericSchema<unknown, Index>;
