/** A section of a C-CDA: title and code, narrative, the sections inside it. */

import { writeAll } from '../flow.js';
import { at, type Element, elements, lineOf, textIn } from '../markup.js';
import type { Page } from '../page.js';
import { codeWords } from './head.js';

/** @param level of the heading; no deeper than six, as in Markdown */
export function writeSection(section: Element, page: Page, level: number): void {
	if (page.full) return;
	const code = at(section, 'code');
	const title = lineOf(at(section, 'title')) || code?.attributes.displayName || 'Section without a title';
	const named = codeWords(code && { ...code, attributes: { ...code.attributes, displayName: '' } });
	page.gap();
	page.exact(`${'#'.repeat(Math.min(level, 6))} ${title}${named === '' ? '' : ` ${named}`}`);
	page.newline();
	const inside = elements(section, 'component').flatMap((component) => elements(component, 'section'));
	const narrative = at(section, 'text');
	if (lineOf(narrative) !== '' || media(narrative)) writeNarrative(narrative!, page);
	else if (inside.length === 0 || elements(section, 'entry').length > 0) page.exact(missing(section));
	page.block();
	for (const each of inside) writeSection(each, page, level + 1);
}

/** Where there is no markup at all, its lines are what the author saw. */
function writeNarrative(narrative: Element, page: Page): void {
	if (elements(narrative).length > 0) {
		writeAll(narrative, page);
		return;
	}
	const lines = textIn(narrative)
		.split(/\r\n?|\n/)
		.map((line) => line.trim());
	page.preformatted(lines.join('\n').trim());
}

function media(narrative: Element | undefined): boolean {
	return elements(narrative).some((child) => child.name === 'renderMultiMedia' || media(child));
}

/** HL7's reasons for having nothing to say. */
const REASONS: Record<string, string> = {
	NI: 'no information',
	NA: 'not applicable',
	UNK: 'unknown',
	ASKU: 'asked but unknown',
	NAV: 'temporarily unavailable',
	NASK: 'not asked',
	MSK: 'withheld',
};

/** A section without words is not a section without content. */
function missing(section: Element): string {
	const entries = elements(section, 'entry').length;
	if (entries > 0)
		return `[No text for people here; ${entries === 1 ? 'one coded entry is' : `${entries} coded entries are`} in the document itself.]`;
	const flavor = section.attributes.nullFlavor;
	return flavor ? `[Empty; the reason given: ${REASONS[flavor] ?? flavor}.]` : '[Empty.]';
}
