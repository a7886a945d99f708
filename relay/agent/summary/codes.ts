/** Which codes make two records speak of the same thing. A code that says "unknown", "other" or "some test" makes nothing the same. */
import type { Code } from '../clinical/fact.js';
import { compare } from '../clinical/smallest.js';

/** Code systems that several sources have in common, in the order in which they are looked for where nothing goes before. */
const SYSTEMS: [name: string, url: RegExp][] = [
	['snomed', /snomed\.info\/sct|2\.16\.840\.1\.113883\.6\.96$/],
	['rxnorm', /umls\/rxnorm|2\.16\.840\.1\.113883\.6\.88$/],
	['loinc', /loinc\.org|2\.16\.840\.1\.113883\.6\.1$/],
	['cvx', /sid\/cvx|2\.16\.840\.1\.113883\.12\.292$/],
	['icd10', /icd-10|2\.16\.840\.1\.113883\.6\.90$/i],
	['icd9', /icd-9|2\.16\.840\.1\.113883\.6\.103$/i],
	['cpt', /ama-assn\.org\/go\/cpt|2\.16\.840\.1\.113883\.6\.12$/],
	['ndc', /sid\/ndc|2\.16\.840\.1\.113883\.6\.69$/],
];

/** What a kind of record is named by; others beside it are often more general. */
const FIRST: [type: RegExp, system: string][] = [
	[/^Observation$|^DiagnosticReport$/, 'loinc'],
	[/^Medication/, 'rxnorm'],
	[/^Immunization$/, 'cvx'],
];

/** v3 NullFlavor, FHIR's data-absent-reason, and IPS' "absent or unknown". */
const ABSENT = /NullFlavor|2\.16\.840\.1\.113883\.5\.1008$|data-absent-reason|absent-unknown/i;
const UNKNOWN = new Set(
	'unk oth ni na asku nask nav navu unc inv msk np qs trc der unknown other none asked-unknown temp-unknown not-asked asked-declined masked not-applicable unsupported as-text error not-a-number not-performed not-permitted'.split(
		' ',
	),
);
/**
 * Codes of kinds of things, which some converters put beside or in place of the thing: SNOMED CT (allergy to substance, allergic
 * disposition, propensities, drug and food allergy, finding, disease, problem, procedure, substance, product, laboratory test) and
 * LOINC (laboratory studies).
 */
const GENERIC = new Set(
	'419199007 609328004 420134006 418038007 418471000 419511003 416098002 414285001 426232007 235719002 59037007 404684003 64572001 55607006 71388002 105590001 410942007 373873005 15220000 26436-6 30954-2'.split(
		' ',
	),
);

interface Name {
	key: string;
	/**
	 * Whether what has the key is the same thing: `always` (a LOINC code of a test), `between` sources (one source that has two
	 * titles for one code means two things), `titled`: only with the same title.
	 */
	same: 'always' | 'between' | 'titled';
}

/** The same whatever the order of the codes; null where no code names anything. */
export function nameOf(type: string, codes: readonly Code[]): Name | null {
	const first = FIRST.find(([of]) => of.test(type))?.[1];
	const known = codes.flatMap(({ system, code }) => {
		if (system === null || ABSENT.test(system) || UNKNOWN.has(code.toLowerCase()) || GENERIC.has(code)) return [];
		const at = SYSTEMS.findIndex(([, url]) => url.test(system));
		const name = SYSTEMS[at]?.[0];
		// Of these characters the blank sorts first.
		const rank = name === undefined ? 'x' : name === first ? ' ' : String(at);
		return [{ key: `${rank}|${name ?? system}|${code}`, name }];
	});
	const [best] = known.sort((one, other) => compare(one.key, other.key));
	if (!best) return null;
	if (best.name !== undefined && best.name === first && /^(?:Observation|Immunization)$/.test(type))
		return { key: best.key, same: 'always' };
	// A local code, or of a test one that is not its LOINC code, may stand for many; a relative's illness is of one relative.
	const shared = best.name !== undefined && !/^(?:Observation|FamilyMemberHistory)$/.test(type);
	return { key: best.key, same: shared ? 'between' : 'titled' };
}
