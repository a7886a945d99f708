/** About how much connections will bring to a session or a download, before anything is read for it. */
import type { Estimate, From } from '../contract.js';
import { nextTasks, startCollect } from '../fhir/collect.js';
import { referencedTypes } from '../fhir/searches.js';
import { vendorFhir } from '../fhir/vendors.js';
import { bodyJson, http } from '../http.js';
import { readMetadata } from '../jobs/metadata.js';
import { type Connection, getConnection, isExpired } from '../wallet/connections.js';
import { freshConnection } from '../wallet/keeper.js';
import { pausedSince } from '../wallet/pause.js';
import { read, upsert } from '../wallet/rows.js';
import { type Copy, countsKey, getCopy } from './copy.js';
import { Selection } from './select.js';
import { type Sizes, sizesOf } from './sizes.js';
import { tokensOf, typicalOctets, typicalText } from './typical.js';

/** How long providers may take to answer, all together. */
const PATIENCE_MS = 10_000;
const AT_ONCE = 4;
const COUNTS_LAST_MS = 24 * 60 * 60_000;
/** A larger `Bundle.total` of one patient is no count. */
const MOST = 1_000_000;

/** @param wants the types that the session asks for; empty for everything */
export async function estimate(
	include: string[],
	from: Readonly<Record<string, From>>,
	wants: readonly string[],
): Promise<Estimate[]> {
	const until = Date.now() + PATIENCE_MS;
	return Promise.all([...new Set(include)].map((id) => one(id, from[id] ?? 'provider', wants, until)));
}

type Basis = Pick<Estimate, 'basis' | 'at'>;

async function one(id: string, from: From, wants: readonly string[], until: number): Promise<Estimate> {
	const nothing = { connectionId: id, basis: 'unknown', at: null, resources: null, bytes: null, tokens: null } as const;
	const connection = await getConnection(id);
	if (!connection) return nothing;
	const copy = await getCopy(connection);
	if (copy && from === 'copy') return fromCopy(copy, wants).catch(() => nothing);
	const last = await sizesOf(id);
	if (last) return sum(id, { basis: copy ? 'copy' : 'last', at: last.at }, last.types, wants);
	const counts = await countedOf(connection, until).catch(() => null);
	if (!counts) return nothing;
	return sum(id, { basis: 'counted', at: counts.at }, counts.types, wants);
}

async function fromCopy(copy: Copy, wants: readonly string[]): Promise<Estimate> {
	const selection = new Selection(copy, wants);
	for (const step of selection.steps()) if (selection.matters(step)) await selection.take(step);
	return sum(copy.connectionId, { basis: 'copy', at: copy.at }, await selection.totals(), []);
}

function sum(
	connectionId: string,
	basis: Basis,
	types: Readonly<Record<string, { count: number; bytes: number; text?: number }>>,
	wants: readonly string[],
): Estimate {
	let [resources, bytes, text] = [0, 0, 0];
	for (const [type, of] of Object.entries(types)) {
		if (!isWanted(type, wants)) continue;
		resources += of.count;
		bytes += of.bytes;
		text += of.text ?? typicalText(type, of.bytes);
	}
	return { connectionId, ...basis, resources, bytes, tokens: tokensOf(text) };
}

const WITH_DOCUMENTS = ['DocumentReference', 'DiagnosticReport'];

/** What is referred to is taken as a whole, where what refers to it is not known. */
function isWanted(type: string, wants: readonly string[]): boolean {
	if (!wants.length || type === 'Patient' || wants.includes(type) || referencedTypes.includes(type)) return true;
	return type === 'Binary' && WITH_DOCUMENTS.some((one) => wants.includes(one));
}

/** What the provider counts for the searches that a collection begins with; asked at most once a day. */
async function countedOf(connection: Connection, until: number): Promise<Sizes | null> {
	const { id } = connection;
	const known = (await read<Sizes>(countsKey(id)))?.value;
	if (known && Math.abs(Date.now() - known.at) < COUNTS_LAST_MS) return known;
	if (!navigator.onLine || isExpired(connection, Date.now()) || (await pausedSince())) return null;
	const counts = await within(until, count(connection, until));
	if (!counts) return null;
	const types = Object.fromEntries(
		Object.entries(counts).map(([type, count]) => [type, { count, bytes: count * typicalOctets(type) }]),
	);
	const documents = counts.DocumentReference ?? 0;
	if (documents) types.Binary = { count: documents, bytes: documents * typicalOctets('Binary') };
	const sizes = { at: Date.now(), types };
	if (await getConnection(id)) await upsert<Sizes>(countsKey(id), () => sizes);
	return sizes;
}

async function within<T>(until: number, work: Promise<T>): Promise<T | null> {
	let timer: ReturnType<typeof setTimeout> | undefined;
	const over = new Promise<null>((resolve) => {
		timer = setTimeout(() => resolve(null), Math.max(0, until - Date.now()));
	});
	work.catch(() => {});
	return Promise.race([work, over]).finally(() => clearTimeout(timer));
}

/** Null where the provider counted nothing at all: that is no record of nothing. */
async function count({ id, provider }: Connection, until: number): Promise<Record<string, number> | null> {
	const connection = await freshConnection(id);
	const { fhirBaseUrl, patientId, scope, accessToken } = connection;
	const vendor = vendorFhir(provider.vendor ?? null);
	const get = async (url: string, accept: string) => {
		const headers = { Authorization: `Bearer ${accessToken}`, Accept: accept };
		const answer = await http(url, { headers, timeout: Math.max(1, until - Date.now()), maxBytes: 16 * 2 ** 20 });
		return answer.status === 200 ? bodyJson(answer) : null;
	};
	const capability = await readMetadata(connection, Math.max(1, until - Date.now())).catch(() => null);
	const plan = startCollect({ fhirBaseUrl, patientId, scope, capability, vendor });
	const tasks = nextTasks(plan, Number.POSITIVE_INFINITY, new Set()).filter(({ kind }) => kind === 'search');
	const counts: Record<string, number> = {};
	const next = async (): Promise<void> => {
		for (let task = tasks.shift(); task && Date.now() < until; task = tasks.shift()) {
			const total = await get(task.url.replace(/_count=\d+/, '_summary=count'), task.accept).then(totalOf, () => null);
			if (total !== null) counts[task.type] = (counts[task.type] ?? 0) + total;
		}
	};
	await Promise.all(Array.from({ length: AT_ONCE }, next));
	return Object.keys(counts).length > 0 ? { Patient: 1, ...counts } : null;
}

/** FHIR R4, Bundle.total; used for nothing but an estimate, because servers get it wrong. */
function totalOf(bundle: unknown): number | null {
	const total = typeof bundle === 'object' && bundle !== null && 'total' in bundle ? bundle.total : null;
	return typeof total === 'number' && Number.isInteger(total) && total >= 0 && total <= MOST ? total : null;
}
