/** Lets the real handler answer, and then spoils what it answered. */
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultAction } from './faults.js';
import type { Json } from './fhir/record.js';

/** A request as far as its answer's links depend on it. */
export interface Asked {
	/** Path and query, on no particular origin. */
	url: URL;
	/** The sandbox's own. */
	origin: string;
	fhirBase: string;
	/** Which page of a search that never ends this is, from 0. */
	page: number;
}

/** The parameter of links that are ever new; no search sees it. */
const PAGE = '_page';

/** Takes the mark of an endless search off an address. */
export function takePage(url: URL): number {
	const page = Number(url.searchParams.get(PAGE) ?? 0) || 0;
	url.searchParams.delete(PAGE);
	return page;
}

/** Where each kind of broken `next` leads. Null leaves the link as it is. */
const nexts: Record<NonNullable<FaultAction['next']>, (asked: Asked, next: string | undefined) => string | null> = {
	/** 404. */
	gone: ({ fhirBase }) => `${fhirBase}/there/is/no/such/page`,
	elsewhere: () => 'https://elsewhere.invalid/fhir?page=2',
	invalid: () => 'https://[not an address',
	self: ({ url, origin, page }) => withPage(url, origin, page),
	/** The last page leads back to the first. */
	round: ({ url, origin }, next) => {
		if (next !== undefined) return null;
		const first = new URL(`${url.pathname}${url.search}`, origin);
		for (const position of ['_offset', '_cursor']) first.searchParams.delete(position);
		return first.href;
	},
	/** The same page under ever new links. */
	again: ({ url, origin, page }) => withPage(url, origin, page + 1),
	/** Pages without entries, for ever. */
	empty: ({ url, origin, page }) => withPage(url, origin, page + 1),
};

function withPage(url: URL, origin: string, page: number): string {
	const target = new URL(`${url.pathname}${url.search}`, origin);
	if (page > 0) target.searchParams.set(PAGE, String(page));
	return target.href;
}

/** The other texts of a searchset stay as they are, octet for octet. */
function relink(body: Buffer, kind: NonNullable<FaultAction['next']>, asked: Asked): Buffer {
	const text = body.toString('utf8');
	const json = JSON.parse(text) as Json;
	if (json.resourceType !== 'Bundle') return body;
	const links = json.link as { relation: string; url: string }[];
	const url = nexts[kind](asked, links.find(({ relation }) => relation === 'next')?.url);
	if (url === null) return body;
	const link = [...links.filter(({ relation }) => relation !== 'next'), { relation: 'next', url }];
	if (kind === 'empty') return Buffer.from(JSON.stringify({ ...json, entry: undefined, link }));
	const before = `"link":${JSON.stringify(links)}`;
	if (!text.includes(before)) throw new Error('a searchset whose links cannot be found');
	return Buffer.from(text.replace(before, () => `"link":${JSON.stringify(link)}`));
}

function reassign(body: Buffer): Buffer {
	const json = JSON.parse(body.toString('utf8')) as Json;
	const somebody = { reference: 'Patient/somebody-else' };
	const another = (resource: Json): Json =>
		resource.resourceType === 'Patient'
			? { ...resource, id: 'somebody-else' }
			: { ...resource, subject: somebody, patient: somebody };
	if (json.resourceType !== 'Bundle') return Buffer.from(JSON.stringify(another(json)));
	const entries = (json.entry ?? []) as { resource: Json }[];
	const entry = entries.map((one) => ({ ...one, resource: another(one.resource) }));
	return Buffer.from(JSON.stringify({ ...json, ...(entries.length > 0 ? { entry } : {}) }));
}

export function spoilReply(action: FaultAction, res: ServerResponse, asked: Asked): void {
	const { next, truncate, cut, trickleMs } = action;
	if (!next && !action.reassign && !truncate && !cut && trickleMs === undefined) return;
	const writeHead = res.writeHead.bind(res) as (status: number, headers: Record<string, string>) => ServerResponse;
	const write = res.write.bind(res) as (chunk: Uint8Array, done?: () => void) => boolean;
	const end = res.end.bind(res) as (chunk?: Uint8Array) => ServerResponse;
	const chunks: Buffer[] = [];
	let status = 200;
	let headers: Record<string, string> = {};
	res.writeHead = ((given: number, ...rest: unknown[]) => {
		status = given;
		const named = rest.find((item) => typeof item === 'object' && item !== null);
		headers = (named ?? {}) as Record<string, string>;
		return res;
	}) as typeof res.writeHead;
	const keep = (chunk: unknown) => {
		if (typeof chunk === 'string' || chunk instanceof Uint8Array) chunks.push(Buffer.from(chunk as Uint8Array));
	};
	res.write = ((chunk: unknown) => {
		keep(chunk);
		return true;
	}) as typeof res.write;
	res.end = ((chunk?: unknown) => {
		keep(chunk);
		let body: Buffer = Buffer.concat(chunks);
		if (next && status === 200) body = relink(body, next, asked);
		if (action.reassign && status === 200) body = reassign(body);
		if (truncate) body = body.subarray(0, body.length >> 1);
		writeHead(status, { ...headers, 'Content-Length': String(body.length) });
		if (cut) write(body.subarray(0, body.length >> 1), () => res.socket?.destroy());
		else if (trickleMs !== undefined) void trickle(body, trickleMs);
		else end(body);
		return res;
	}) as typeof res.end;
	const trickle = async (body: Buffer, ms: number) => {
		for (let at = 0; at < body.length && !res.destroyed; at++) {
			write(body.subarray(at, at + 1));
			await sleep(ms);
		}
		if (!res.destroyed) end();
	};
}
