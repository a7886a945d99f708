import type { Capability, ResourceCapability } from './capability.js';
import { allows, type Grant } from './scopes.js';
import { type Fan, patientParams, referencedTypes, type Search, searchesOf } from './searches.js';
import type { Query } from './state.js';
import type { VendorFhir } from './vendors.js';

export interface PlanInput {
	patientId: string;
	grant: Grant;
	capability: Capability | null;
	/** Why what the server can do could not be read, where it could not: a code as in `Problem`. */
	unread?: string | undefined;
	vendor: VendorFhir;
	/** Resource types asked for; none for all. The Patient is always read. */
	wants: readonly string[];
}

/** Parameters as a query writes them: values are encoded, but for the comma that separates alternatives. */
export function parameter(name: string, value: string): string {
	return `${name}=${encodeURIComponent(value).replaceAll('%2C', ',')}`;
}

/**
 * The queries to begin with. What is not offered or not granted is not asked, and so is not in any report; but a type that
 * was asked for by name gets an answer.
 */
export function planQueries(input: PlanInput): Query[] {
	const { patientId, grant, capability, unread, vendor, wants } = input;
	const queries: Query[] = [];
	if (allows(grant, 'read', 'Patient') || allows(grant, 'search', 'Patient')) {
		queries.push({
			...fresh('Patient', `Patient/${encodeURIComponent(patientId)}`),
			// Some servers let a patient search for itself but not read.
			fans: [{ param: '_id', values: [patientId] }],
		});
	}
	for (const search of searchesOf(capability?.fhirVersion ?? null)) {
		if (wants.length > 0 && !wants.includes(search.type)) continue;
		const granted =
			allows(grant, 'search', search.type) || (vendor.readSearches === true && allows(grant, 'read', search.type));
		const param = granted ? patientParam(search, capability) : null;
		if (!param) {
			if (wants.length > 0 && granted && unread) queries.push(unknown(search.type, unread));
			else if (wants.length > 0) queries.push(unasked(search.type, granted ? 'not_offered' : 'not_granted'));
			continue;
		}
		const can = capability?.resources[search.type];
		const query = fresh(search.type, `${search.type}?${parameter(param, patientId)}${tenant(input, can)}`);
		const fans = fansOf(search, can, vendor);
		if (fans.length > 0) query.fans = fans;
		queries.push(query);
		if (fans.length > 0 && vendor.required?.[search.type] === fans[0]?.param) {
			query.state = { is: 'fanned', fan: 0, refusal: null };
			queries.push(...fanOut(query, 0));
		}
		if (search.besides && (!can || can.searchParams.includes(search.besides.split('=')[0] ?? ''))) {
			queries.push({ ...fresh(search.type, `${query.query}&${search.besides}`), optional: true });
		}
	}
	// What else the server may have nobody could find out: that is not nothing.
	if (unread && wants.length === 0) queries.push(unknown('CapabilityStatement', unread));
	return queries;
}

/**
 * The queries that ask `query` in pieces. Where these may miss something, the exhaustive fans ask for all their codes in one
 * request each, to be optional: a server that refuses that too cannot be asked for what has none of the values.
 */
export function fanOut(query: Query, fan: number): Query[] {
	const { param, values, optional = [], exhaustive } = query.fans?.[fan] ?? { param: '', values: [] };
	const start = query.type === 'Patient' ? 'Patient?' : `${query.query}&`;
	const piece = (name: string, value: string, more: Partial<Query> = {}): Query => ({
		...fresh(query.type, `${start}${parameter(name, value)}`),
		parent: query.id,
		fan,
		...more,
	});
	const others = exhaustive ? [] : (query.fans ?? []).filter((other) => other.exhaustive);
	return [
		...values.map((value) => piece(param, value)),
		...optional.map((value) => piece(param, value, { optional: true })),
		...others.map((other) =>
			piece(other.param, [...other.values, ...(other.optional ?? [])].join(','), { optional: true, rest: true }),
		),
	];
}

/** How each referenced type can be fetched. */
export function planReferences({ grant, capability }: PlanInput): Record<string, 'batch' | 'read'> {
	const fetchable: Record<string, 'batch' | 'read'> = {};
	for (const type of referencedTypes) {
		const can = capability ? capability.resources[type] : { read: true, search: true, searchParams: ['_id'] };
		if (can?.search && can.searchParams.includes('_id') && allows(grant, 'search', type)) fetchable[type] = 'batch';
		else if (can?.read && allows(grant, 'read', type)) fetchable[type] = 'read';
	}
	return fetchable;
}

/** `wants` names it, but the server does not offer it, the person did not grant it, or no search reads it. */
export function unasked(type: string, reason: 'not_offered' | 'not_granted' | 'not_searched'): Query {
	return { ...fresh(type, type), state: { is: 'unanswered', status: 'refused', reason } };
}

/** What is not asked: it is not known what the server can do, or nobody waits for it any more. */
export function unknown(type: string, reason: string): Query {
	return { ...fresh(type, type), state: { is: 'unanswered', status: 'failed', reason } };
}

function fresh(type: string, query: string): Query {
	return { id: query, type, query, state: { is: 'waiting' }, count: 0, foreign: 0, pages: 0, ms: 0 };
}

/** What a vendor's searches name besides the patient, where this type takes it. */
function tenant({ patientId, vendor }: PlanInput, can: ResourceCapability | undefined): string {
	const { param = '', from = '', to = '' } = vendor.tenant ?? {};
	const found = param && (!can || can.searchParams.includes(param)) && new RegExp(from).test(patientId);
	return found ? `&${parameter(param, patientId.replace(new RegExp(from), to))}` : '';
}

/** The parameter to name the patient by; null where the type cannot be searched by patient. */
function patientParam(search: Search, capability: Capability | null): string | null {
	if (!capability) return search.beyond ? null : 'patient';
	const can = capability.resources[search.type];
	if (!can?.search) return null;
	const listed = patientParams.find((name) => can.searchParams.includes(name));
	return listed ?? (can.searchParams.length === 0 && !search.beyond ? 'patient' : null);
}

/** The ways to ask in pieces that this server offers; what its vendor is known to require comes first. */
function fansOf(search: Search, can: ResourceCapability | undefined, vendor: VendorFhir): Fan[] {
	const required = vendor.required?.[search.type];
	const offered = (param: string) =>
		param === required || !can || can.searchParams.length === 0 || can.searchParams.includes(param);
	return (search.fans ?? [])
		.filter(({ param }) => offered(param))
		.map((fan) => {
			const more = vendor.values?.[`${search.type}.${fan.param}`] ?? [];
			return more.length > 0 ? { ...fan, optional: [...(fan.optional ?? []), ...more] } : fan;
		})
		.sort((a, b) => Number(b.param === required) - Number(a.param === required));
}
