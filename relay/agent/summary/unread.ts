/** What could not be read, source by source, as the index has it. */

import type { QueryReport } from '../../contract.js';
import { isGap } from '../../report.js';
import type { Index, SourceEntry } from '../files/records.js';
import { clean } from '../json.js';
import { kindOf } from './gaps.js';
import { plain, verbatim } from './markdown.js';
import { tagOf } from './tags.js';

/** Kinds in one line, lines of one source's documents, and sources. */
const KINDS = 40;
const DOCUMENTS = 20;
const SOURCES = 60;

/** Lines that stand before everything else; if there are more, all of them stand at the end. */
const SHORT = 15;

/** @param faults lines about what came and this program could not read */
export function unreadOf({ sources }: Index, faults: string[]): { short: string[]; rest: string[] } {
	const lines = sources.map(linesOf);
	const shown = [...faults.slice(0, SOURCES), ...lines.slice(0, SOURCES).flat()];
	const more = lines.slice(SOURCES).filter((of) => of.length > 0).length;
	if (more > 0) shown.push(`- and of ${more} more sources: see \`index.json\``);
	if (shown.length === 0)
		return { short: ['No query failed or was refused, and every document that came could be unpacked.'], rest: [] };
	if (shown.length <= SHORT) return { short: shown, rest: [] };
	const short = [...shown.slice(0, SHORT), `- and ${shown.length - SHORT} lines more: at the end of this summary`];
	return { short, rest: shown };
}

function linesOf(source: SourceEntry, position: number): string[] {
	const tag = tagOf(position);
	const gaps = source.queries.filter(isGap);
	const fresh = gaps.filter(({ keptFrom }) => keptFrom === undefined);
	const lines: string[] = [];
	for (const [status, words] of [
		['failed', 'failed (it does not mean that there is nothing)'],
		['refused', 'refused by the provider'],
	] as const) {
		const of = fresh.filter((query) => query.status === status);
		if (of.length > 0) lines.push(`- ${tag}: ${words}: ${kinds(of, ({ reason }) => clean(reason, 60))}`);
	}
	const kept = gaps.filter(({ keptFrom }) => keptFrom !== undefined);
	if (kept.length > 0)
		lines.push(
			`- ${tag}: could not be read this time, and is from an older reading: ${kinds(kept, ({ keptFrom }) => clean(keptFrom, 40))}`,
		);
	for (const [type, note] of Object.entries(source.notes ?? {})
		.sort()
		.slice(0, KINDS))
		lines.push(`- ${tag}: ${plain(type)}: ${plain(clean(note) ?? '')}`);
	const spoilt = source.documents.filter(({ problem }) => problem !== undefined);
	for (const { id, title, problem, contentType } of spoilt.slice(0, DOCUMENTS)) {
		const what = problem === 'no_data' ? 'came without its content' : 'could not be decoded';
		const about = [title ?? null, contentType].flatMap((one) => clean(one) ?? []).join(', ');
		const ref = id === null ? '' : ` ${verbatim(`${source.folder}/Binary/${id}`)}`;
		lines.push(`- ${tag}: a document ${what}${about ? `: ${plain(about)}` : ''}${ref}`);
	}
	if (spoilt.length > DOCUMENTS)
		lines.push(`- ${tag}: and ${spoilt.length - DOCUMENTS} more documents: see \`index.json\``);
	return lines;
}

/** `Condition (http_500), Goal ×3`: each kind once, with how many queries and why. */
function kinds(queries: QueryReport[], why: (query: QueryReport) => string | null): string {
	const of = new Map<string, { count: number; whys: Set<string> }>();
	for (const query of queries) {
		const known = of.get(kindOf(query)) ?? { count: 0, whys: new Set<string>() };
		const reason = why(query);
		if (reason !== null) known.whys.add(reason);
		of.set(kindOf(query), { ...known, count: known.count + 1 });
	}
	const told = [...of]
		.sort(([one], [other]) => (one < other ? -1 : 1))
		.map(([kind, { count, whys }]) => {
			const times = count > 1 ? ` ×${count}` : '';
			const reasons = [...whys].sort().slice(0, 4).join(', ');
			return `${kind}${times}${reasons ? ` (${reasons})` : ''}`;
		});
	const more = told.length > KINDS ? ` and ${told.length - KINDS} more kinds` : '';
	return plain(told.slice(0, KINDS).join(', ')) + more;
}
