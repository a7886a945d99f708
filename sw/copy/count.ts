/** Counts what a collection would bring: by the searches that it begins with, asked for numbers and a few examples. */
import { nextTasks, settle } from '../fhir/collect.js';
import { attached } from '../fhir/documents.js';
import { type Page, readPage } from '../fhir/page.js';
import type { CollectState, Query } from '../fhir/state.js';
import type { Outcome, Task } from '../fhir/task.js';
import { bodyJson, type HttpAnswer } from '../http.js';
import type { Sizes } from './sizes.js';
import { documentOctets, shareOfText, typicalOctets } from './typical.js';

const AT_ONCE = 6;
/** A larger `Bundle.total` of one patient is no count. */
const MOST = 1_000_000;
/** What servers that do not count are asked for at a time, and how much of it is read in all, in octets. */
const PAGE = 1000;
const MOST_OCTETS = 8 * 2 ** 20;
/** Of a type with more than so many, and of those that have documents, a few are looked at for their size. */
const MANY = 50;
const EXAMPLES = 20;
const WITH_DOCUMENTS = ['DocumentReference', 'DiagnosticReport'];

export interface Counts {
	types: Record<string, Sizes['types'][string] & { text?: number }>;
	/** Something could not be counted: there is more. */
	atLeast: boolean;
}

/** What is known of a search of the plan, its pieces taken together. */
interface Found {
	type: string;
	/** Of its pieces, and of what looked for the rest besides, which finds most of theirs again. */
	pieces: number;
	rest: number;
	/** A search that found some, to look at a few. */
	example: Task | null;
}

/** What was looked at of one type. */
interface Seen {
	count: number;
	octets: number;
	documents: { count: number; octets: number; text: number };
}

/** @param get one request; a failure is a rejection. @param over whether to stop, with what is known by then */
export class Counting {
	private readonly found = new Map<string, Found>();
	private readonly seen = new Map<string, Seen>();
	private octets = 0;
	private atLeast = false;
	private readonly asked = new Set<string>();

	constructor(
		private readonly state: CollectState,
		private readonly get: (url: string, accept: string) => Promise<HttpAnswer>,
		private readonly over: () => boolean,
	) {}

	/** Null where the provider counted nothing at all: that is no record of nothing. */
	async run(): Promise<Counts | null> {
		await this.all(
			() => this.tasks()[0],
			(task) => this.count(task),
		);
		if (this.over() && this.tasks().length > 0) this.atLeast = true;
		if (![...this.found.values()].some((of) => countOf(of) > 0)) return null;
		const examples = this.examples();
		await this.all(
			() => examples.shift(),
			(task) => this.look(task, EXAMPLES).catch(() => null),
		);
		return this.sums();
	}

	/** Several at a time; what comes up meanwhile is taken too. */
	private async all(next: () => Task | undefined, work: (task: Task) => Promise<unknown>): Promise<void> {
		const underWay = new Set<Promise<unknown>>();
		for (;;) {
			for (let task = this.over() ? undefined : next(); task; task = underWay.size < AT_ONCE ? next() : undefined) {
				this.asked.add(task.id);
				const one: Promise<unknown> = work(task).finally(() => underWay.delete(one));
				underWay.add(one);
			}
			if (underWay.size === 0) return;
			await Promise.race(underWay);
		}
	}

	private tasks(): Task[] {
		return nextTasks(this.state, Number.POSITIVE_INFINITY, this.asked).filter(({ kind }) => kind === 'search');
	}

	private async count(task: Task): Promise<void> {
		const query = this.state.queries.find(({ id }) => task.id.startsWith(`${id}@`));
		if (!query) return;
		const { outcome, page, answer } = await this.ask(task, sized(task.url, '_summary=count'));
		if (!page || !answer) {
			settle(this.state, task, outcome);
			if (outcome.kind === 'failed' || outcome.status >= 500 || [200, 401, 429].includes(outcome.status))
				this.atLeast = true;
			return;
		}
		let known = numberOf(page, answer, query, false);
		// It does not count, or says how many are on the page: a large page then tells more.
		if (known.more && this.octets < MOST_OCTETS)
			known = (await this.look(task, PAGE, query).catch(() => null)) ?? known;
		else if (page.resources.length > 0) this.examine(query.type, page);
		if (known.more) this.atLeast = true;
		this.note(query, known.count, task);
		// To the plan it is as good as read: pieces come up only where something was refused.
		settle(this.state, task, { ...outcome, bytes: EMPTY } as Outcome);
	}

	private async ask(task: Task, url: string): Promise<{ outcome: Outcome; page?: Page; answer?: HttpAnswer }> {
		const answer = await this.get(url, task.accept).catch(() => null);
		if (!answer) return { outcome: { kind: 'failed', code: 'network', ms: 0 } as Outcome };
		this.octets += answer.bytes.length;
		const contentType = answer.headers.get('content-type');
		const outcome: Outcome = {
			kind: 'response',
			status: answer.status,
			contentType,
			url: task.url,
			bytes: answer.bytes,
			ms: 0,
		};
		const read = answer.status === 200 ? readPage(answer.bytes, answer.url, this.state.base) : null;
		const refused = read?.ok && read.problem && read.resources.length === 0;
		return { outcome, answer, ...(read?.ok && !refused && { page: read }) };
	}

	/**
	 * Reads a page of up to `most`, and what it tells of the number, where a query wants to know. Of what has documents the
	 * pages after it too: they are most of what there is to read.
	 */
	private async look(task: Task, most: number, query?: Query): Promise<Known | null> {
		let known = null as Known | null;
		const visited = new Set<string>();
		for (let url: string | null = sized(task.url, `_count=${most}`); url && !visited.has(url); ) {
			visited.add(url);
			const { page, answer } = await this.ask(task, url);
			if (!page || !answer) return known;
			this.examine(task.type, page);
			if (!query) return null;
			const { count, more } = numberOf(page, answer, query, true);
			known = { count: count + (known?.count ?? 0), more };
			const goesOn = more && WITH_DOCUMENTS.includes(task.type) && this.octets < MOST_OCTETS && !this.over();
			url = goesOn ? page.next : null;
		}
		return known;
	}

	private note(query: Query, count: number, task: Task): void {
		const id = query.parent ?? query.id;
		const found = this.found.get(id) ?? { type: query.type, pieces: 0, rest: 0, example: null };
		if (query.rest) found.rest += count;
		else found.pieces += count;
		if (count > 0) found.example ??= task;
		this.found.set(id, found);
	}

	private examine(type: string, { resources }: Page): void {
		const seen = this.seen.get(type) ?? { count: 0, octets: 0, documents: { count: 0, octets: 0, text: 0 } };
		this.seen.set(type, seen);
		for (const { resource, octets } of resources) {
			if (resource.resourceType !== type) continue;
			seen.count++;
			seen.octets += octets.length + 1;
			for (const { contentType, size, elsewhere } of attached(resource, this.state.base)) {
				if (elsewhere) continue;
				const of = documentOctets(contentType, size);
				seen.documents.count++;
				seen.documents.octets += of;
				seen.documents.text += of * shareOfText(contentType);
			}
		}
	}

	private examples(): Task[] {
		return [...this.found.values()].flatMap(({ type, example, ...of }) => {
			const needed = countOf(of) > MANY || WITH_DOCUMENTS.includes(type);
			return example && needed && !this.seen.get(type)?.count ? [example] : [];
		});
	}

	private sums(): Counts {
		const types: Counts['types'] = { Patient: { count: 1, bytes: typicalOctets('Patient') } };
		const documents = { count: 0, bytes: 0, text: 0 };
		for (const { type, ...of } of this.found.values()) {
			const count = countOf(of);
			const seen = this.seen.get(type);
			const each = seen?.count ? seen.octets / seen.count : typicalOctets(type);
			const sum = types[type] ?? { count: 0, bytes: 0 };
			types[type] = { count: sum.count + count, bytes: sum.bytes + Math.round(count * each) };
			if (!this.state.binaries || !WITH_DOCUMENTS.includes(type)) continue;
			const times = seen?.count ? count / seen.count : 0;
			documents.count += Math.round(times * (seen?.documents.count ?? 0));
			documents.bytes += Math.round(times * (seen?.documents.octets ?? 0));
			documents.text += Math.round(times * (seen?.documents.text ?? 0));
			// Not one could be looked at.
			if (!seen?.count && count > 0 && type === 'DocumentReference') this.atLeast = true;
		}
		if (documents.count > 0) types.Binary = documents;
		return { types, atLeast: this.atLeast };
	}
}

const EMPTY = new TextEncoder().encode('{"resourceType":"Bundle","type":"searchset"}');

const countOf = ({ pieces, rest }: Pick<Found, 'pieces' | 'rest'>) => Math.max(pieces, rest);

const sized = (url: string, how: string) => url.replace(/_count=\d+/, how);

interface Known {
	count: number;
	/** There is more than that. */
	more: boolean;
}

/**
 * FHIR R4, `Bundle.total`; used for nothing but an estimate, because servers get it wrong: where there are further pages, it
 * must be more than this page has. A page without a next one is a count too; nothing at all is none, where a number was
 * asked for.
 */
function numberOf({ resources, next }: Page, answer: HttpAnswer, { type }: Query, isPage: boolean): Known {
	const here = resources.filter(({ resource }) => resource.resourceType === type).length;
	const total = bodyJson(answer)?.total;
	const known = typeof total === 'number' && Number.isInteger(total) && total >= here && total <= MOST ? total : null;
	if (next === null && (here > 0 || isPage)) return { count: here, more: false };
	return { count: known ?? here, more: known === null || (next !== null && known === here) };
}
