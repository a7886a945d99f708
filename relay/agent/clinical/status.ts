/** Statuses of every kind of record: a code, a CodeableConcept, or the words that somebody put in their place. */
import { clean, list, record } from '../json.js';
import { codings } from './concept.js';

const words = (text: string) => new Set(text.split(' '));

/** What takes a record back, or says that it was not so. */
const RETRACTED = words('entered-in-error refuted not-done wrong-patient');
/** What was, and is not any more. */
const OVER = words(
	'inactive remission resolved completed stopped cancelled revoked ended rejected fulfilled noshow failed replaced not-taken aborted terminated closed superseded achieved not-achieved',
);
const OTHERS = words(
	'active recurrence relapse unknown recorded draft on-hold intended in-progress accepted proposed planned pending booked arrived checked-in waitlist ready requested on-track ahead-of-target behind-target sustaining final preliminary registered partial amended corrected appended confirmed unconfirmed provisional differential current finished',
);

/** SNOMED CT, where its code is all there is. */
const SNOMED: Record<string, string> = {
	'55561003': 'active',
	'73425007': 'inactive',
	'413322009': 'resolved',
	'277022003': 'remission',
	'246455001': 'recurrence',
	'263855007': 'relapse',
	'410605003': 'confirmed',
	'410516002': 'refuted',
	'723510000': 'entered-in-error',
};
const RENAMED: Record<string, string> = {
	...SNOMED,
	canceled: 'cancelled',
	'known-absent': 'refuted',
	'in-error': 'entered-in-error',
};

const isKnown = (word: string) => RETRACTED.has(word) || OVER.has(word) || OTHERS.has(word);
const isHl7 = (system: unknown) =>
	typeof system === 'string' && /^(?:https?:\/\/(?:terminology\.)?hl7\.org\/)/.test(system);

/**
 * The status, in lower case: of all codes, names and texts one that takes the record back, else a word of FHIR's (in a coding of HL7's
 * before others), else the first of them, whatever it is.
 */
export function statusOf(value: unknown): string | null {
	const [one] = list(value);
	const coded = codings(one).sort((a, b) => Number(isHl7(b.system)) - Number(isHl7(a.system)));
	const said = [one, ...coded.map(({ code }) => code), ...coded.map(({ display }) => display), textOf(one)]
		.flatMap((text) => clean(text, 60) ?? [])
		.map((text) => text.toLowerCase());
	const folded = said
		.map((text) => text.replace(/[\s_]+/g, '-'))
		.map((text) => (Object.hasOwn(RENAMED, text) ? RENAMED[text] : undefined) ?? text);
	return folded.find((word) => RETRACTED.has(word)) ?? folded.find(isKnown) ?? said[0] ?? null;
}

function textOf(value: unknown): unknown {
	const { text, concept } = record(value);
	return text ?? record(concept).text;
}

export function isRetracted(...statuses: (string | null)[]): boolean {
	return statuses.some((status) => status !== null && RETRACTED.has(status));
}

/** Said to be over. A word that nobody knows says neither that it is nor that it is not. */
export function isOver(status: string | null): boolean {
	return status !== null && OVER.has(status);
}
