/** One health system's FHIR R4 server: read and search, for the patient and the scopes of the access token. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FaultAction } from '../faults.js';
import { send } from '../http.js';
import { permits } from '../oauth/scopes.js';
import type { Access } from '../oauth/server.js';
import { errorPage } from '../pages.js';
import type { SystemProfile } from '../profile.js';
import { typesOf } from './capability.js';
import { extract, paramsOf, patientsOf } from './params.js';
import type { Entry, PatientRecord } from './record.js';
import { SearchError, search } from './search.js';

export const FHIR_JSON = 'application/fhir+json; charset=utf-8';

export interface FhirOptions {
	profile: SystemProfile;
	origin: string;
	access(token: string): Promise<Access | null>;
	record(username: string): PatientRecord;
}

export type FhirHandler = (
	req: IncomingMessage,
	res: ServerResponse,
	path: string,
	query: URLSearchParams,
	fault: FaultAction,
) => Promise<void>;

function outcomeText(code: string, diagnostics: string, severity = 'error'): string {
	return JSON.stringify({ resourceType: 'OperationOutcome', issue: [{ severity, code, diagnostics }] });
}

/** Whether an `Accept` header (RFC 9110, section 12.5.1) leaves room for a type. */
function accepts(header: string | undefined, json: string): boolean {
	const wanted = (header ?? '*/*').split(',').map((one) => one.split(';')[0]?.trim());
	return wanted.some((one) => one === json || one === 'application/json' || one === '*/*');
}

/** Binaries as they were last served: taking a large one out of its JSON takes longer than sending it. */
const contents = new WeakMap<Entry, { contentType: string; octets: Buffer }>();

function contentOf(entry: Entry): { contentType: string; octets: Buffer } {
	let known = contents.get(entry);
	if (!known) {
		const { contentType, data, content } = entry.json as { contentType: string; data?: string; content?: string };
		known = { contentType, octets: Buffer.from(data ?? content ?? '', 'base64') };
		contents.set(entry, known);
	}
	return known;
}

export function sendOutcome(res: ServerResponse, status: number, code: string, diagnostics: string): void {
	send(res, status, FHIR_JSON, outcomeText(code, diagnostics));
}

export function createFhirServer({ profile, origin, access, record }: FhirOptions): FhirHandler {
	const { fhir } = profile;
	const base = `${origin}/${profile.id}/fhir`;
	const types = new Set(typesOf(profile));
	const searchParams = paramsOf(fhir.version);
	const mediaType = `${fhir.json}; charset=utf-8`;

	/** Whether a resource comes only where the search names a category, and this one does not. */
	function isHidden(type: string, { json }: Entry, query: URLSearchParams): boolean {
		const only = fhir.onlyByCategory[type];
		const category = searchParams[type]?.category;
		if (!only || !category || query.has('category') || query.has('_id')) return false;
		return extract(json, category).some((value) => value.endsWith(`|${only}`));
	}

	/** Where the rest of a search is: the query so far and a position, in this server's own spelling. */
	function nextLink(type: string, query: URLSearchParams, offset: number, fault: FaultAction): string {
		const target = new URL(`${fault.nextOrigin ?? origin}/${profile.id}/${fhir.nextSegment}/${type}`);
		const rest = new URLSearchParams(query);
		if (fhir.next === 'session') {
			rest.set('_offset', String(offset));
			target.searchParams.set('sessionID', Buffer.from(String(rest)).toString('base64url'));
		} else {
			rest.set(
				fhir.next === 'cursor' ? '_cursor' : '_offset',
				fhir.next === 'cursor' ? cursor(offset) : String(offset),
			);
			target.search = String(rest);
		}
		return target.href;
	}
	const cursor = (offset: number) => Buffer.from(`at:${offset}`).toString('base64url');

	function position(query: URLSearchParams): { query: URLSearchParams; offset: number } {
		const session = query.get('sessionID');
		const full = session === null ? query : new URLSearchParams(Buffer.from(session, 'base64url').toString('utf8'));
		const mark = full.get('_cursor');
		const offset = mark === null ? full.get('_offset') : Buffer.from(mark, 'base64url').toString('utf8').slice(3);
		return { query: full, offset: Number(offset ?? 0) || 0 };
	}

	function bundle(type: string, asked: URLSearchParams, found: Entry[], start: number, fault: FaultAction): Buffer {
		const count = Number(asked.get('_count') ?? fhir.pageSize);
		const size = Math.min(Number.isInteger(count) && count > 0 ? count : fhir.pageSize, fhir.maxPageSize);
		const page = found.slice(start, start + size);
		// Octets as they are kept: pages of megabytes are not made of text first.
		const entries: (string | Buffer)[][] = page.map((entry) => [
			`{"fullUrl":"${base}/${type}/${entry.id}","resource":`,
			entry.octets,
			',"search":{"mode":"match"}}',
		]);
		if (fault.foreignPatient) {
			const foreign = { resourceType: type, id: 'foreign-1', subject: { reference: 'Patient/somebody-else' } };
			entries.push([`{"fullUrl":"${base}/${type}/foreign-1","resource":${JSON.stringify(foreign)}}`]);
		}
		if (fhir.outcomeEntry) {
			const outcome = outcomeText('informational', 'Some results may have been left out.', 'information');
			entries.push([`{"resource":${outcome},"search":{"mode":"outcome"}}`]);
		}
		const totals = { exact: found.length, page: page.length, inflated: found.length + 7, none: null };
		const total = (found.length === 0 ? fhir.empty[type] : undefined) ?? totals[fhir.total];
		const link = [{ relation: 'self', url: `${base}/${type}?${asked}` }];
		if (start + size < found.length) {
			link.push({ relation: 'next', url: nextLink(type, asked, start + size, fault) });
		}
		const head = `"resourceType":"Bundle","type":"searchset"${total === null ? '' : `,"total":${total}`}`;
		const pieces = entries.flatMap((entry, i) => (i === 0 ? entry : [',', ...entry]));
		const body = [
			`{${head},"link":${JSON.stringify(link)}`,
			...(pieces.length ? [',"entry":[', ...pieces, ']'] : []),
			'}',
		];
		return Buffer.concat(body.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : piece)));
	}

	function answerSearch(
		res: ServerResponse,
		patient: PatientRecord,
		type: string,
		query: URLSearchParams,
		fault: FaultAction,
	) {
		const from = position(query);
		if (fhir.lastUpdated === 'ignored') from.query.delete('_lastUpdated');
		if (fhir.lastUpdated === 'refused' && from.query.has('_lastUpdated')) {
			sendOutcome(res, 400, 'not-supported', 'unknown search parameter _lastUpdated');
			return;
		}
		const bounds = query.getAll('_lastUpdated').map(([first]) => first);
		if (bounds.length > 0 && fhir.closedRanges.includes(type) && !(bounds.includes('g') && bounds.includes('l'))) {
			sendOutcome(res, 400, 'invalid', '_lastUpdated must be a closed range');
			return;
		}
		const needs = fhir.requires[type];
		if (needs && !needs.anyOf.some((name) => from.query.has(name))) {
			sendOutcome(res, needs.status, 'required', `one of ${needs.anyOf.join(', ')} is required`);
			return;
		}
		const wanted = from.query.get('patient') ?? from.query.get('subject');
		const params = searchParams[type] ?? {};
		if (wanted === null && 'patient' in params && !from.query.has('_id')) {
			sendOutcome(res, 400, 'required', 'patient is required');
			return;
		}
		try {
			const all = search(patient, type, from.query, searchParams);
			// Each page of a search comes by here: no look at every resource where nothing is hidden.
			const found = fhir.onlyByCategory[type] ? all.filter((entry) => !isHidden(type, entry, from.query)) : all;
			send(res, 200, mediaType, bundle(type, from.query, found, from.offset, fault));
		} catch (error) {
			if (!(error instanceof SearchError)) throw error;
			sendOutcome(res, 400, error.code, error.diagnostics);
		}
	}

	function answerRead(req: IncomingMessage, res: ServerResponse, entry: Entry) {
		const wantsJson = /json/i.test(req.headers.accept ?? '');
		if (entry.type !== 'Binary' || wantsJson) {
			send(res, 200, mediaType, entry.octets);
			return;
		}
		const { contentType, octets } = contentOf(entry);
		send(res, 200, contentType, octets, { 'X-Content-Type-Options': 'nosniff' });
	}

	return async (req, res, path, query, fault) => {
		const [type = '', id, ...more] = path.split('/').filter(Boolean);
		if (req.method !== 'GET') return sendOutcome(res, 405, 'not-supported', 'only reading is possible');
		const token = /^Bearer (.+)$/i.exec(req.headers.authorization ?? '')?.[1];
		const granted = token === undefined ? null : await access(token);
		if (!granted) {
			const challenge = token === undefined ? 'Bearer' : 'Bearer error="invalid_token"';
			send(res, 401, FHIR_JSON, outcomeText('login', 'the access token is missing or no longer valid'), {
				'WWW-Authenticate': challenge,
			});
			return;
		}
		if (fhir.rateLimits) {
			res.setHeader('RateLimit-Limit', '150');
			res.setHeader('RateLimit-Remaining', '149');
			res.setHeader('RateLimit-Reset', '1');
		}
		if (!types.has(type) || more.length > 0 || (type === 'Binary' && id === undefined)) {
			if (fhir.unsupported === 'outcome') return sendOutcome(res, 404, 'not-supported', 'no such resource type');
			return send(res, 404, 'text/html', errorPage(profile.name, '404', 'There is no such page.'));
		}
		if (fhir.refuses.includes(type)) {
			res.writeHead(403, { 'Content-Length': '0' });
			res.end();
			return;
		}
		if (!permits(granted.scopes, type, id === undefined ? 'search' : 'read')) {
			return sendOutcome(res, 403, 'forbidden', 'the scopes granted do not cover this');
		}
		if (type !== 'Binary' && !accepts(req.headers.accept, fhir.json)) {
			return sendOutcome(res, 406, 'not-supported', `only ${fhir.json}`);
		}
		const patient = record(granted.username);
		if (id === undefined) return answerSearch(res, patient, type, query, fault);
		const entry = patient.get(type, id);
		const owners = entry?.values('patients', patientsOf) ?? [];
		if (!entry || (owners.length > 0 && !owners.includes(patient.patientId))) {
			return sendOutcome(res, 404, 'not-found', 'no such resource');
		}
		answerRead(req, res, entry);
	};
}
