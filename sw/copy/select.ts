/**
 * What of a copy a session is sent: everything, or the types that it wants with exactly what those refer to, two levels deep, and the
 * documents that they point to, as the collector does it (`sw/fhir`). Works part by part; what it keeps in memory are ids.
 */
import type { QueryReport } from '../../relay/contract.js';
import { documentId, documentName } from '../fhir/documents.js';
import { typeOfQuery } from '../fhir/report.js';
import { referencedTypes } from '../fhir/searches.js';
import { isPlanned, leadsTo, UNREACHED, unreached, wholeTypes } from '../fhir/wanted.js';
import type { Copy, CopyType } from './copy.js';
import { type Index, keyOf, linesOf, openStored, readIndex } from './lines.js';

/** One part, looked at in one pass. */
export interface Step {
	pass: number;
	type: string;
	stream: number;
	part: number;
}

/** Records; what they refer to; what that refers to; documents. */
const [WANTED, REFERRED, FURTHER, DOCUMENTS] = [0, 1, 2, 3] as const;

export class Selection {
	private readonly byPass: [Set<string>, Set<string>] = [new Set(), new Set()];
	private readonly documents = new Set<string>();
	private readonly names = new Set<string>();
	/** Types that are taken as a whole; null for all. */
	private readonly whole: Set<string> | null;
	private known: { type: string; index: Index } | undefined;

	constructor(
		private readonly copy: Copy,
		wants: readonly string[],
	) {
		this.whole = wholeTypes(wants);
	}

	/** All parts in the order in which they are to be looked at; always the same for the same copy and wants. */
	*steps(): Generator<Step> {
		const passes = this.whole ? [WANTED, REFERRED, FURTHER, DOCUMENTS] : [WANTED];
		for (const pass of passes)
			for (const [type, { streams }] of Object.entries(this.copy.types))
				if (this.isOf(pass, type))
					for (const [stream, { parts }] of streams.entries())
						for (let part = 0; part < parts; part++) yield { pass, type, stream, part };
	}

	/** Whether all of a type is selected. */
	isWhole(type: string): boolean {
		return this.whole?.has(type) ?? true;
	}

	private isOf(pass: number, type: string): boolean {
		if (!this.whole) return true;
		if (pass === WANTED) return this.whole.has(type);
		if (this.whole.has(type)) return false;
		return pass === DOCUMENTS ? type === 'Binary' : referencedTypes.includes(type);
	}

	/** Types that were asked for by name, that a provider can be asked for, and that the copy knows nothing of. */
	missing(wants: readonly string[]): string[] {
		return wants.filter((type) => isPlanned(type) && !Object.hasOwn(this.copy.types, type));
	}

	/** Whether anything that comes later depends on a step's lines. */
	matters({ pass }: Step): boolean {
		return this.whole !== null && pass < FURTHER;
	}

	/** The lines of a step that are selected; notes what they refer to. @throws {BrokerError} `copy_gone` */
	async take({ pass, type, stream, part }: Step): Promise<{ id: string; octets: Uint8Array }[]> {
		const of = this.copy.types[type] as CopyType;
		const index = await this.indexOf(type, of);
		const taken: { id: string; octets: Uint8Array }[] = [];
		const octets = await openStored(type, of.streams[stream]!, part);
		for (const line of linesOf(octets)) {
			const id = keyOf(line);
			if (index.get(id)?.[0] !== stream || !this.selects(pass, type, id)) continue;
			taken.push({ id, octets: line });
			if (this.whole && pass < FURTHER) this.follow(line, pass);
		}
		return taken;
	}

	private async indexOf(type: string, { index }: CopyType): Promise<Index> {
		if (this.known?.type !== type) this.known = { type, index: (await readIndex(index, type)).index };
		return this.known.index;
	}

	private selects(pass: number, type: string, id: string): boolean {
		if (pass === WANTED) return true;
		if (pass === DOCUMENTS) return this.documents.has(id);
		const [first, second] = this.byPass;
		const key = `${type}/${id}`;
		return pass === REFERRED ? first.has(key) : second.has(key) && !first.has(key);
	}

	private follow(line: Uint8Array, pass: number): void {
		const found = leadsTo(JSON.parse(new TextDecoder().decode(line)), this.copy.fhirBaseUrl);
		for (const key of found.references) this.byPass[pass]?.add(key);
		for (const url of found.documents) this.documents.add(documentId(url));
		// What lies elsewhere is reported by its name, and is no document of the copy, whatever its address ends in.
		for (const url of [...found.documents, ...found.elsewhere]) this.names.add(documentName(url));
	}

	/**
	 * Octets and resources by type, once every step that matters was taken.
	 * @throws {BrokerError} `copy_gone`
	 */
	async totals(): Promise<Record<string, { count: number; bytes: number; text: number }>> {
		const made: Record<string, { count: number; bytes: number; text: number }> = {};
		for (const [type, of] of Object.entries(this.copy.types)) {
			if (!this.whole || this.whole.has(type)) made[type] = of;
			else if (this.isOf(DOCUMENTS, type) || this.isOf(REFERRED, type)) {
				const { index } = await readIndex(of.index, type);
				let [count, bytes] = [0, 0];
				for (const [id, [, octets]] of index) {
					if (!this.includes(type, id)) continue;
					count++;
					bytes += octets + 1;
				}
				made[type] = { count, bytes, text: of.bytes ? Math.round((of.text * bytes) / of.bytes) : 0 };
			}
		}
		return made;
	}

	private includes(type: string, id: string): boolean {
		if (type === 'Binary') return this.documents.has(id);
		return this.byPass.some((keys) => keys.has(`${type}/${id}`));
	}

	/** Whether what is selected refers to anything of a type. */
	private isLedTo(type: string): boolean {
		if (type === 'Binary') return this.names.size > 0;
		return this.byPass.some((keys) => [...keys].some((key) => key.startsWith(`${type}/`)));
	}

	/** The copy's reports as far as they are of what is selected, once everything was taken. @param counts of lines selected, by type */
	reports(wants: readonly string[], counts: Readonly<Record<string, number>>): QueryReport[] {
		const { types, others } = this.copy;
		const of = Object.entries(types);
		if (!this.whole) return [...of.flatMap(([, { reports }]) => reports), ...others];
		const selected = of.flatMap(([type, { reports }]) => {
			if (this.whole?.has(type)) return reports;
			return this.isOf(REFERRED, type) || type === 'Binary'
				? reports.flatMap((report) => this.narrow(type, report, counts[type] ?? 0))
				: [];
		});
		const led = (type: string) => (counts[type] ?? 0) > 0 || selected.some(({ query }) => typeOfQuery(query) === type);
		// What was asked for by name gets an answer.
		return [
			...selected,
			...this.missing(wants).map((query) => ({ query, status: 'refused' as const, count: 0, reason: 'not_in_copy' })),
			...unreached(wants, led).map((query) => ({ query, ...UNREACHED })),
		];
	}

	/** A report of what the whole record refers to, without what is not selected: neither its ids nor how much there was of it. */
	private narrow(type: string, report: QueryReport, count: number): QueryReport[] {
		const [, ids] = report.query.split('?_id=');
		if (ids === undefined && report.query !== type) return [];
		// Not named: whether any of them is selected is not known.
		if (ids === undefined && report.status !== 'ok') return this.isLedTo(type) ? [{ ...report, count: 0 }] : [];
		if (ids === undefined) return count > 0 ? [{ ...report, count }] : [];
		const kept = ids.split(',').filter((encoded) => {
			const id = decodeURIComponent(encoded);
			return type === 'Binary' ? this.names.has(id) : this.includes(type, id);
		});
		return kept.length > 0 ? [{ ...report, query: `${type}?_id=${kept.join(',')}` }] : [];
	}
}
