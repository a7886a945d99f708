/** FHIR R4 search over one patient's record: token, date (with prefixes) and reference parameters, ORed by commas. */
import { commonParams, extract, type Param, patientsOf, searchParams } from './params.js';
import type { Entry, PatientRecord } from './record.js';

/** A query that this server does not answer; the code is an issue code of OperationOutcome. */
export class SearchError extends Error {
	constructor(
		readonly code: 'invalid' | 'not-supported' | 'required',
		readonly diagnostics: string,
	) {
		super(code);
	}
}

function matchesToken(values: string[], wanted: string): boolean {
	if (!wanted.includes('|')) return values.some((value) => value.slice(value.indexOf('|') + 1) === wanted);
	if (wanted.endsWith('|')) return values.some((value) => value.startsWith(wanted));
	return values.includes(wanted);
}

const matchesReference = (values: string[], wanted: string): boolean =>
	values.some((value) => value === wanted || value.slice(value.indexOf('/') + 1) === wanted);

/** The span of time, in milliseconds, that a FHIR date of any precision covers: [start, end). */
export function span(date: string): [number, number] {
	const match = /^(\d{4})(?:-(\d\d)(?:-(\d\d)(T.+)?)?)?$/.exec(date);
	if (!match) return [Number.NaN, Number.NaN];
	const [, year, month, day, time] = match;
	const y = Number(year);
	if (time) {
		const start = Date.parse(/(?:Z|[+-]\d\d:\d\d)$/.test(time) ? date : `${date}Z`);
		return [start, start + (/:\d\d:\d\d\.\d/.test(time) ? 1 : 1000)];
	}
	const m = month === undefined ? 0 : Number(month) - 1;
	const d = day === undefined ? 1 : Number(day);
	const end = day ? Date.UTC(y, m, d + 1) : month ? Date.UTC(y, m + 1, 1) : Date.UTC(y + 1, 0, 1);
	return [Date.UTC(y, m, d), end];
}

function matchesDate(values: string[], wanted: string): boolean {
	const [, prefix = 'eq', date = ''] = /^(eq|ne|gt|lt|ge|le|sa|eb|ap)?(.*)$/.exec(wanted) ?? [];
	const [from, to] = span(date.replace(' ', '+'));
	if (Number.isNaN(from)) throw new SearchError('invalid', 'date not understood');
	return values.some((value) => {
		const [start = '', end = ''] = value.split('/');
		const low = start === '' ? Number.NEGATIVE_INFINITY : span(start)[0];
		const high = end === '' ? Number.POSITIVE_INFINITY : span(end)[1];
		switch (prefix) {
			case 'gt':
				return high > to;
			case 'ge':
				return high > to || (low >= from && high <= to);
			case 'lt':
				return low < from;
			case 'le':
				return low < from || (low >= from && high <= to);
			case 'sa':
				return low >= to;
			case 'eb':
				return high <= from;
			case 'ap':
				return low < to && high > from;
			case 'ne':
				return !(low >= from && high <= to);
			default:
				return low >= from && high <= to;
		}
	});
}

const matchers: Record<Param['type'], (values: string[], wanted: string) => boolean> = {
	token: matchesToken,
	date: matchesDate,
	reference: matchesReference,
};

/** Parameters about the answer, not about the resources. */
const resultParams = new Set(['_count', '_format', '_total', '_summary', '_sort', '_offset', '_cursor', 'sessionID']);

/** What was found in a record, as long as that does not change: each page of a search asks anew. */
const remembered = new WeakMap<PatientRecord, { revision: number; found: Map<string, Entry[]> }>();

/** The resources of a type that match, in a stable order; only those of this patient. Throws `SearchError`. */
export function search(
	record: PatientRecord,
	type: string,
	query: URLSearchParams,
	params: Record<string, Record<string, Param>> = searchParams,
): Entry[] {
	const asked = [...query].filter(([name]) => !resultParams.has(name));
	const key = `${type}?${new URLSearchParams(asked)}`;
	let memory = remembered.get(record);
	if (memory?.revision !== record.revision) {
		memory = { revision: record.revision, found: new Map() };
		remembered.set(record, memory);
	}
	let found = memory.found.get(key);
	if (!found) {
		found = matching(record, type, asked, { ...commonParams, ...params[type] });
		memory.found.set(key, found);
	}
	return found;
}

function matching(
	record: PatientRecord,
	type: string,
	asked: [name: string, value: string][],
	known: Record<string, Param>,
): Entry[] {
	const filters = asked.flatMap(([name, value]) => {
		const param = known[name];
		if (!param) throw new SearchError('not-supported', `unknown search parameter ${name}`);
		return value === '' ? [] : { name, param, wanted: value.split(',') };
	});
	return record.list(type).filter((entry) => {
		// A resource about nobody (an organization, a medication) belongs to whoever's record mentions it.
		const patients = entry.values('patients', patientsOf);
		if (patients.length > 0 && !patients.includes(record.patientId)) return false;
		return filters.every(({ name, param, wanted }) => {
			const values = name === '_id' ? [`|${entry.id}`] : entry.values(name, (json) => extract(json, param));
			return wanted.some((one) => matchers[param.type](values, one));
		});
	});
}
