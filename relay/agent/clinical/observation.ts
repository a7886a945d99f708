/**
 * Observation, of DSTU2 to R5. Which section it belongs to: by its category, where that decides (`laboratory`, `vital-signs`,
 * `social-history`, `survey`); else by its LOINC code, where that is a vital sign's; else by another category (`imaging`, `exam`):
 * a finding; else by shape: a number, a reference range, an interpretation or a specimen make it a lab. What only names its
 * members has no value of its own and stands among the reports.
 */

import { dateOf } from '../dates.js';
import { all, type Json, labelled, list, record, texts } from '../json.js';
import { codesOf, titleOf, titlesOf, wordsOf } from './concept.js';
import type { Fact, Section } from './fact.js';
import { interpret } from './flag.js';
import { choiceOf, rangesOf } from './quantity.js';
import { isRetracted, statusOf } from './status.js';
import { NOTHING, noteOf, type Reader, whenOf } from './told.js';
import { VITAL_SIGNS, vitalSignOf } from './vital-signs.js';

/** Components of one observation. */
const PARTS = 40;

const SOCIAL = /^social[- ]history$/;
const CATEGORIES: [RegExp, Section][] = [
	[/^(?:laboratory|lab|labs|laboratory (?:results?|tests?))$/, 'labs'],
	[/^vital[- ]?signs?$/, 'vitals'],
	[
		/^(?:social[- ]history|survey|sdoh|functional-status|disability-status|cognitive-status|smartdata|core-characteristics)$/,
		'history',
	],
];

export const observation: Reader = (resource) => {
	const status = statusOf(resource.status);
	const { date, end } = whenOf(resource, 'effective', 'applies');
	const own = measurement(resource);
	const components = list(resource.component).map((one): Fact => {
		const part = measurement(record(one));
		return { ...NOTHING, ...part, date, end, title: part.title ?? 'Part' };
	});
	// Of too many those out of their range stay.
	const parts =
		components.length > PARTS ? components.sort((a, b) => gravity(a) - gravity(b)).slice(0, PARTS) : components;
	const section = sectionOf(resource, own.value !== null || parts.length > 0);
	return {
		...own,
		section,
		date: date ?? dateOf(resource.issued),
		end,
		status,
		details: texts(
			...own.details,
			labelled('site', titlesOf(resource.bodySite)),
			labelled('method', titlesOf(resource.method)),
			components.length > PARTS && `and ${components.length - PARTS} more parts: read the record`,
			noteOf(resource),
		),
		parts: parts.map((part) => ({ ...part, section })),
		...(section === 'history' &&
			!wordsOf(resource.category).some((one) => SOCIAL.test(one)) && { survey: true as const }),
		// The measuring was given up: there is no result.
		retracted: isRetracted(status) || status === 'cancelled',
	};
};

const gravity = ({ flag }: Fact) => (flag === null ? 2 : flag.startsWith('critical') ? 0 : 1);

/** What an observation and its components have alike. */
function measurement(holder: Json) {
	const codes = codesOf(holder.code);
	const value = choiceOf(holder, 'value');
	const { flag, said } = interpret(holder);
	const title = titleOf(holder.code);
	// A bare code says nothing to a reader, where its name is known.
	const bare = title === null || codes.some(({ code }) => code === title);
	return {
		title: bare ? (vitalSignOf(codes) ?? title) : title,
		codes,
		value,
		range: rangesOf(holder.referenceRange),
		flag,
		details: texts(
			labelled('interpretation', said),
			value === null && labelled('no value', titlesOf(holder.dataAbsentReason)),
		),
	};
}

function sectionOf(resource: Json, valued: boolean): Section {
	const members = [...all(resource, 'hasMember'), ...all(resource, 'related.target')];
	if (!valued && members.length > 0) return 'reports';
	const said = wordsOf(resource.category);
	for (const [words, section] of CATEGORIES) if (said.some((one) => words.test(one))) return section;
	if (codesOf(resource.code).some(({ system, code }) => /loinc/i.test(system ?? '') && VITAL_SIGNS.has(code)))
		return 'vitals';
	if (said.length > 0) return 'reports';
	const { valueQuantity, referenceRange, interpretation, specimen } = resource;
	const lab = [valueQuantity, referenceRange, interpretation, specimen].some((one) => one !== undefined);
	return lab ? 'labs' : 'reports';
}
