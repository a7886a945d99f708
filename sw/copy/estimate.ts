/** About how much connections will bring to a session or a download, before anything is read for it. */
import type { Estimate, From } from '../contract.js';
import { startCollect } from '../fhir/collect.js';
import { referencedTypes } from '../fhir/searches.js';
import { vendorFhir } from '../fhir/vendors.js';
import { http } from '../http.js';
import { knownCapability, metadataTask, readMetadata } from '../jobs/metadata.js';
import { type Connection, connectionKey, getConnection, isExpired } from '../wallet/connections.js';
import { freshConnection } from '../wallet/keeper.js';
import { pausedSince } from '../wallet/pause.js';
import { commit, read, retried } from '../wallet/rows.js';
import { onDropKeys } from '../wallet/vault.js';
import { countsKey, getCopy } from './copy.js';
import { Counting, type Counts } from './count.js';
import { sizesOf } from './sizes.js';
import { tokensOf, typicalText } from './typical.js';

/** How long providers may take to answer, all together. */
const PATIENCE_MS = 10_000;
/** How long counting goes on where nobody waits for it any more. */
const COUNTING_MS = 30_000;
const COUNTS_LAST_MS = 24 * 60 * 60_000;
/** A provider that counts nothing, or is too slow, is left alone for so long. */
const REFUSALS_LAST_MS = 60 * 60_000;

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
	if (copy && from === 'copy') return sum(id, { basis: 'copy', at: copy.at }, copy.types, wants);
	const last = await sizesOf(id);
	if (last) return sum(id, { basis: copy ? 'copy' : 'last', at: last.at }, last.types, wants);
	const counts = await countedOf(connection, until).catch(() => null);
	if (!counts?.types) return nothing;
	const { at, types, atLeast } = counts;
	return { ...sum(id, { basis: 'counted', at }, types, wants), ...(atLeast && { atLeast }) };
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

/** What a provider said when it was asked for counts; `types` null where it counted nothing. */
interface Counted {
	at: number;
	types: Counts['types'] | null;
	/** It could not count everything. */
	atLeast?: true;
}

/** Counts under way, by connection: who asks meanwhile waits for the same. */
const counting = new Map<string, Promise<Counted>>();
/** Ends them when their tokens are no longer to be used. */
let stop = new AbortController();
onDropKeys(() => {
	stop.abort();
	stop = new AbortController();
	counting.clear();
});

/** What the provider counts for the searches that a collection begins with; asked at most once a day. */
async function countedOf(connection: Connection, until: number): Promise<Counted | null> {
	const { id } = connection;
	const known = (await read<Counted>(countsKey(id)))?.value;
	if (known && Math.abs(Date.now() - known.at) < (known.types ? COUNTS_LAST_MS : REFUSALS_LAST_MS)) return known;
	if (!navigator.onLine || isExpired(connection, Date.now()) || (await pausedSince())) return null;
	let work = counting.get(id);
	if (!work) {
		work = countAndKeep(connection).finally(() => counting.delete(id));
		counting.set(id, work);
	}
	return within(until, work);
}

/** Goes on when whoever asked has lost patience: the next one has the answer. A failure is remembered too. */
async function countAndKeep(connection: Connection): Promise<Counted> {
	const { id } = connection;
	const counts = await count(connection, stop.signal).catch(() => null);
	const counted: Counted = { at: Date.now(), types: counts?.types ?? null, ...(counts?.atLeast && { atLeast: true }) };
	// In one transaction with the connection: nothing is noted of one that was removed meanwhile.
	await retried(async () => {
		const row = await read<Connection>(connectionKey(id));
		const same = row && { key: connectionKey(id), expect: row.revision };
		if (same) await commit([{ key: countsKey(id), value: counted }, same]);
	});
	return counted;
}

async function within<T>(until: number, work: Promise<T>): Promise<T | null> {
	let timer: ReturnType<typeof setTimeout> | undefined;
	const over = new Promise<null>((resolve) => {
		timer = setTimeout(() => resolve(null), Math.max(0, until - Date.now()));
	});
	work.catch(() => {});
	return Promise.race([work, over]).finally(() => clearTimeout(timer));
}

async function count({ id, provider }: Connection, signal: AbortSignal): Promise<Counts | null> {
	const connection = await freshConnection(id);
	const { fhirBaseUrl, patientId, scope, accessToken } = connection;
	const vendor = vendorFhir(provider.vendor ?? null);
	const until = Date.now() + COUNTING_MS;
	const get = (url: string, accept: string) => {
		const headers = { Authorization: `Bearer ${accessToken}`, Accept: accept };
		return http(url, { headers, signal, timeout: Math.max(1, until - Date.now()), maxBytes: 16 * 2 ** 20 });
	};
	let capability = knownCapability(connection);
	if (!capability) {
		const { url, accept } = metadataTask(connection);
		const answer = await get(url, accept).catch(() => null);
		if (answer) ({ capability } = readMetadata(connection, { kind: 'response', contentType: null, ms: 0, ...answer }));
	}
	const plan = startCollect({ fhirBaseUrl, patientId, scope, capability, vendor });
	return new Counting(plan, get, () => signal.aborted || Date.now() >= until).run();
}
