/** AllergyIntolerance, of DSTU2 (`substance`, `status`) to R5. */

import { dateOf } from '../dates.js';
import { all, clean, type Json, labelled, list, record, texts } from '../json.js';
import { codesOf, titleOf, titlesOf } from './concept.js';
import type { Fact } from './fact.js';
import { choiceOf, spell } from './quantity.js';
import { isRetracted, statusOf } from './status.js';
import { noteOf, type Reader } from './told.js';

/** SNOMED CT and the International Patient Summary: no known allergy, and none to drugs, foods, the environment, latex. */
const NONE_KNOWN = new Set([
	'716186003',
	'409137002',
	'429625007',
	'428607008',
	'1003774007',
	'160244002',
	'428197003',
	'no-known-allergies',
	'no-known-medication-allergies',
	'no-known-environmental-allergies',
	'no-known-food-allergies',
]);

/** Whether the record says that there is no allergy of some kind, by its code or in these words. */
export function saysNoneKnown({ codes, title }: Pick<Fact, 'codes' | 'title'>): boolean {
	return (
		codes.some(({ code }) => NONE_KNOWN.has(code)) ||
		/^(?:no known .*allerg|nka$|nkda$|no (?:drug |food )?allerg(?:y|ies)$)/i.test(title)
	);
}

/** DSTU2 had codes of its own. */
const STATUSES: Record<string, string> = { confirmed: 'active', unconfirmed: 'active' };
const CRITICALITY: Record<string, string> = { critl: 'low', crith: 'high', critu: 'unable-to-assess' };

export const allergy: Reader = (resource) => {
	const { code, substance, status } = resource;
	const what = titleOf(code) !== null ? code : (substance ?? all(resource, 'reaction.substance')[0]);
	const [clinical, verification, old] = [resource.clinicalStatus, resource.verificationStatus, status].map(statusOf);
	const criticality = statusOf(resource.criticality);
	const onset = choiceOf(resource, 'onset');
	const [onsetDate, recordedDate] = [
		dateOf(resource.onsetDateTime, resource.onset),
		dateOf(resource.recordedDate, resource.assertedDate),
	];
	return {
		section: 'allergies',
		title: titleOf(what),
		codes: codesOf(what),
		date: onsetDate ?? recordedDate,
		...(onsetDate === null && recordedDate !== null && { recorded: true as const }),
		end: null,
		status: clinical ?? (old ? (STATUSES[old] ?? old) : null),
		details: texts(
			...reactionsOf(resource.reaction),
			criticality !== null && `criticality: ${CRITICALITY[criticality] ?? criticality}`,
			labelled('kind', texts(titlesOf(resource.category), titleOf(resource.type)).join(' ') || null),
			[verification, old].includes('unconfirmed') && 'unconfirmed',
			resource.onsetDateTime === undefined && onset && `onset: ${spell(onset)}`,
			noteOf(resource),
		),
		retracted: isRetracted(clinical ?? null, verification ?? null, old ?? null),
	};
};

/** Reactions that are told, the worst first. */
const REACTIONS = 12;
const SEVERITIES = ['mild', 'moderate', 'severe'];

function reactionsOf(value: unknown): string[] {
	const rank = ({ severity }: Json) => SEVERITIES.indexOf(clean(severity, 40)?.toLowerCase() ?? '');
	const all = list(value)
		.map(record)
		.sort((a, b) => rank(b) - rank(a));
	const told = all.slice(0, REACTIONS).flatMap((one) => reactionOf(one) ?? []);
	return all.length > REACTIONS ? [...told, `and ${all.length - REACTIONS} more reactions: read the record`] : told;
}

/** `reaction: hives, swelling (severe)` */
function reactionOf(reaction: Json): string | null {
	const shown = titlesOf(reaction.manifestation) ?? clean(reaction.description);
	const severity = clean(reaction.severity, 40);
	if (shown === null) return severity && `reaction: not described (${severity})`;
	return `reaction: ${shown}${severity === null ? '' : ` (${severity})`}`;
}
