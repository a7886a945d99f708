/**
 * `index.json`: what `files/records.ts` writes and every reader believes. Shapes, sizes and names are checked when it is read, since
 * others may have written to it; whatever is written passes. The one place where it is declared.
 */
import * as v from 'valibot';
import { LIMITS, Source } from '../../contract.js';
import { isObject } from '../json.js';
import { FOLDER_NAME } from '../layout.js';

/** Octets. A delivery of 100,000 documents has an index of some 30 MB. */
export const INDEX_BYTES = 128 * 1024 * 1024;

/** UTF-16 units of what a record says of a document; a longer id or content type is written as null. */
export const DOCUMENT_TEXT = 400;
/** Resource types of one source: `TypeNames` gives no more. */
const TYPES = 300;

const whole = v.pipe(v.number(), v.integer(), v.minValue(0));
const text = (max: number) => v.pipe(v.string(), v.maxLength(max));
const said = text(DOCUMENT_TEXT);

/** A file directly in `documents`, and none that is hidden. */
const documentFile = v.pipe(text(600), v.regex(/^documents\/[^./\\\p{Cc}][^/\\\p{Cc}]*$/u, 'not a name that we give'));

/**
 * One `Binary`, or an attachment that holds its content itself. Title, date, type and status are those of a DocumentReference or
 * DiagnosticReport of the same source that names it, without what shows text otherwise than it is.
 */
const DocumentEntry = v.object({
	/** `Binary.id`, to which DocumentReference and DiagnosticReport refer as `Binary/<id>`. */
	id: v.nullable(said),
	contentType: v.nullable(said),
	/** Octets after decoding. */
	bytes: whole,
	title: v.exactOptional(said),
	date: v.exactOptional(said),
	type: v.exactOptional(said),
	/** Where it is not simply current: `superseded`, `entered-in-error`, `preliminary`. */
	status: v.exactOptional(said),
	/** Who says so, or whose attachment it is: `DocumentReference/abc`. */
	of: v.exactOptional(said),
	/** Relative to the source's folder. Without one, `problem` says why. */
	file: v.exactOptional(documentFile),
	problem: v.exactOptional(v.picklist(['no_data', 'not_base64'])),
});
export type DocumentEntry = v.InferOutput<typeof DocumentEntry>;

/** Why a document has no file, in words: whoever tells of it says it so. */
export const NO_FILE: Record<NonNullable<DocumentEntry['problem']>, string> = {
	no_data: 'came without its content',
	not_base64: 'came in a form that cannot be unpacked',
};

/** Not `v.record`, which leaves out `constructor`: a provider may call a type so, and nothing may be missing unsaid. */
function isTypes(value: unknown): boolean {
	if (!isObject(value)) return false;
	const types = Object.entries(value);
	return types.length <= TYPES && types.every(([type, lines]) => /^[A-Za-z]{1,64}$/.test(type) && v.is(whole, lines));
}

const { name, patient, fhirBaseUrl, queries } = Source.entries;

const SourceEntry = v.object({
	name,
	/** Relative to the output folder. */
	folder: v.pipe(v.string(), v.regex(FOLDER_NAME)),
	patient,
	fhirBaseUrl,
	fetchedAt: v.string(),
	fhirVersion: v.exactOptional(text(20)),
	/** Records: the lines of all files but of OperationOutcomes, which tell what could not be read. */
	resources: whole,
	/** Octets of NDJSON. */
	bytes: whole,
	/** Lines of each `<type>.ndjson`. */
	types: v.custom<Record<string, number>>(isTypes),
	documents: v.array(DocumentEntry),
	/** What became of every query, as the wallet tells it; `summary`, `failed` and `notes` are the same in short (report.ts). */
	queries,
	summary: v.object({ ok: whole, empty: whole, refused: whole, failed: whole }),
	failed: queries,
	notes: v.exactOptional(v.record(v.string(), v.string())),
});
export type SourceEntry = v.InferOutput<typeof SourceEntry>;

const unique = (list: readonly (string | undefined)[]) => new Set(list).size === list.length;

export const Index = v.object({
	/** Raised when a reader of the one before could misread it: in 1, `queries` were the numbers that `summary` has. */
	v: v.literal(2),
	sentAt: v.string(),
	receivedAt: v.string(),
	/** What the person had removed before sending, as the wallet tells it. */
	redaction: v.nullable(v.record(v.string(), v.unknown())),
	sources: v.pipe(
		v.array(SourceEntry),
		v.maxLength(LIMITS.blobsPerSession),
		v.check((sources) => unique(sources.map(({ folder }) => folder)), 'two sources in one folder'),
	),
});
export type Index = v.InferOutput<typeof Index>;
