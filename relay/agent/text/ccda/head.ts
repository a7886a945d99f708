/** The head of a C-CDA: what it is, who it is about, who wrote it and when. */
import { at, type Element, elements, lineOf } from '../markup.js';
import type { Page } from '../page.js';

export function writeHead(document: Element, page: Page): void {
	const code = at(document, 'code');
	const role = at(document, 'recordTarget', 'patientRole');
	const authors = elements(document, 'author').map((author) => authorOf(at(author, 'assignedAuthor')));
	const event = at(document, 'documentationOf', 'serviceEvent');
	const encounter = at(document, 'componentOf', 'encompassingEncounter');
	const lines: [string, string][] = [
		['Kind', codeWords(code)],
		['Patient', patientOf(role)],
		['Date', time(at(document, 'effectiveTime')?.attributes.value)],
		['Author', [...new Set(authors)].filter((author) => author !== '').join('; ')],
		['Signed by', personOf(at(document, 'legalAuthenticator', 'assignedEntity'))],
		['Custodian', lineOf(at(document, 'custodian', 'assignedCustodian', 'representedCustodianOrganization', 'name'))],
		['Care from', period(at(event, 'effectiveTime'))],
		['Encounter', period(at(encounter, 'effectiveTime'))],
		['Place', lineOf(at(encounter, 'location', 'healthCareFacility', 'location', 'name'))],
	];
	page.exact(`# ${lineOf(at(document, 'title')) || code?.attributes.displayName || 'Clinical document'}`);
	page.newline();
	for (const [label, value] of lines) {
		if (value === '') continue;
		page.block();
		page.exact(`${label}: ${value}`);
	}
	page.newline();
}

/** `Transfer summary note [LOINC 18761-7]`, as far as it is said. */
export function codeWords(code: Element | undefined): string {
	const { code: value, codeSystem, codeSystemName, displayName } = code?.attributes ?? {};
	const system = codeSystem === '2.16.840.1.113883.6.1' ? 'LOINC' : (codeSystemName ?? codeSystem ?? '');
	return [displayName ?? '', value ? `[${system === '' ? '' : `${system} `}${value}]` : ''].join(' ').trim();
}

function patientOf(role: Element | undefined): string {
	const patient = at(role, 'patient');
	const born = time(at(patient, 'birthTime')?.attributes.value);
	const gender = at(patient, 'administrativeGenderCode')?.attributes;
	return [
		nameOf(patient),
		born && `born ${born}`,
		(gender?.displayName ?? { F: 'female', M: 'male' }[gender?.code ?? ''])?.toLowerCase(),
	]
		.filter(Boolean)
		.join(', ');
}

function authorOf(author: Element | undefined): string {
	const device = at(author, 'assignedAuthoringDevice');
	const machine = lineOf(at(device, 'softwareName')) || lineOf(at(device, 'manufacturerModelName'));
	return personOf(author) || [machine, organization(author)].filter(Boolean).join(', ');
}

function personOf(entity: Element | undefined): string {
	const name = nameOf(at(entity, 'assignedPerson'));
	return name === '' ? '' : [name, organization(entity)].filter(Boolean).join(', ');
}

function organization(entity: Element | undefined): string {
	return lineOf(at(entity, 'representedOrganization', 'name'));
}

/** The name in use: a legal one before others, its parts in the order in which they are written. */
function nameOf(person: Element | undefined): string {
	const names = elements(person, 'name');
	const name = names.find(({ attributes }) => attributes.use?.split(' ').includes('L')) ?? names[0];
	const parts = elements(name);
	return parts.length === 0 ? lineOf(name) : parts.map(lineOf).filter(Boolean).join(' ');
}

function period(times: Element | undefined): string {
	const [low, high] = [at(times, 'low'), at(times, 'high')].map((end) => time(end?.attributes.value));
	if (low || high) return `${low || 'unknown'} to ${high || 'unknown'}`;
	return time(times?.attributes.value);
}

/** HL7's `20130921050012.000-0800` → `2013-09-21 05:00 -0800`; what is no time stays as it is. */
function time(value: string | undefined): string {
	const match = /^(\d{4})(\d\d)?(\d\d)?(?:(\d\d)(\d\d)?[\d.]*)?([+-]\d{4})?$/.exec(value?.trim() ?? '');
	if (!match) return (value ?? '').slice(0, 40).trim();
	const [, year, month, day, hour, minute, zone] = match;
	const date = [year, month, day].filter(Boolean).join('-');
	return hour && day ? `${date} ${hour}:${minute ?? '00'}${zone ? ` ${zone}` : ''}` : date;
}
