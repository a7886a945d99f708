/** `summary.md` as it was written with the records, or one section of it. */
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { SECTIONS } from '../clinical/fact.js';
import { SUMMARY } from '../layout.js';
import { openFile, readWhole } from '../library/files.js';
import type { Library } from '../library/library.js';
import { HEADINGS, summarize } from '../summary/summary.js';
import { fold } from './fold.js';
import { invalid } from './invalid.js';
import { sectionOf } from './kinds.js';
import type { Whole } from './pages.js';

/** Octets. */
const MOST = 64 * 1024 * 1024;

/** @throws {AgentError} `query_invalid` there is no such section, `records_damaged` */
export async function summary(library: Library, section?: string): Promise<Whole> {
	const text = await textOf(library);
	if (section === undefined) return { head: 'A summary of the records.', body: text };
	const asked = fold(section).trim();
	const known = sectionOf(asked);
	const headings = [asked, ...(known ? [fold(HEADINGS[known])] : [])].map((heading) => `## ${heading}`);
	const found = text.split(/^(?=## )/m).find((one) => headings.includes(fold(one.split('\n', 1)[0] ?? '')));
	if (found !== undefined) return { head: 'A part of the summary of the records.', body: found };
	if (!known) throw invalid(`"section" is one of: ${SECTIONS.join(', ')}`);
	return { head: 'The summary has no such section. "list" says what could not be read.', body: '' };
}

/** Records that an older version received have none: it is made anew, the same as it would have been. */
async function textOf(library: Library): Promise<string> {
	const there = await lstat(join(library.dir, SUMMARY)).catch(() => null);
	if (!there) return summarize(library);
	return (await readWhole(await openFile(library.dir, SUMMARY), MOST)).toString('utf8');
}
