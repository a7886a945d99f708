/** What each control word of RTF does to the text. A word that is not here does nothing to it. */

import { charsetCodePage, codePageOf } from './charset.js';
import type { Rtf } from './rtf.js';

type Act = (rtf: Rtf, param: number | undefined) => void;

const skip: Act = (rtf) => {
	rtf.state.skip = true;
};
const say =
	(text: string): Act =>
	(rtf) =>
		rtf.characters(text);
const visible =
	(act: (rtf: Rtf) => void): Act =>
	(rtf) => {
		if (!rtf.state.skip && !rtf.state.hidden) act(rtf);
	};
const line = visible((rtf) => rtf.page.line(rtf.state));
/** Headers and footers stand on lines of their own, wherever the file has them. */
const apart = visible((rtf) => {
	rtf.page.line(rtf.state);
	rtf.state.closes = '\n';
});
const on = (param: number | undefined) => param !== 0;

const SKIPPED =
	'colortbl stylesheet info pict nonshppict objdata listtable listoverridetable filetbl fldinst xe tc template datafield ' +
	'bkmkstart bkmkend private themedata colorschememapping latentstyles datastore generator ftnsep ftnsepc aftnsep aftnsepc ' +
	'annotation atnid atnauthor revtbl rsidtbl pgptbl userprops xmlnstbl mmathPr';

const APART = 'header headerl headerr headerf footer footerl footerr footerf';

export const controls: Record<string, Act> = {
	...Object.fromEntries(SKIPPED.split(' ').map((word) => [word, skip])),
	...Object.fromEntries(APART.split(' ').map((word) => [word, apart])),

	// The document's code page.
	ansi: (rtf) => {
		rtf.codePage = 'windows-1252';
	},
	mac: (rtf) => {
		rtf.codePage = 'macintosh';
	},
	pc: (rtf) => {
		rtf.codePage = 'cp437';
	},
	pca: (rtf) => {
		rtf.codePage = 'cp850';
	},
	ansicpg: (rtf, param) => {
		if (param) rtf.codePage = codePageOf(param) ?? rtf.codePage;
	},

	// Fonts, each with a charset of its own.
	fonttbl: (rtf) => {
		rtf.state.skip = true;
		rtf.state.fonts = true;
	},
	deff: (rtf, param) => {
		rtf.defaultFont = param;
		rtf.state.font = param;
	},
	f: (rtf, param) => {
		rtf.state.font = param;
		if (!rtf.state.fonts || param === undefined) return;
		rtf.entry = { name: '', codePage: undefined };
		rtf.fonts.set(param, rtf.entry);
	},
	fcharset: (rtf, param) => {
		if (rtf.entry && param !== undefined) rtf.entry.codePage ??= charsetCodePage(param);
	},
	cpg: (rtf, param) => {
		if (rtf.entry && param !== undefined) rtf.entry.codePage = codePageOf(param);
	},
	uc: (rtf, param) => {
		rtf.state.uc = Math.min(Math.max(param ?? 1, 0), 16);
	},

	// What text looks like, as far as that says something.
	plain: (rtf) => {
		rtf.state = { ...rtf.state, font: rtf.defaultFont, hidden: false, struck: false, raised: false };
	},
	v: (rtf, param) => {
		rtf.state.hidden = on(param);
	},
	strike: (rtf, param) => {
		rtf.state.struck = on(param);
	},
	striked: (rtf, param) => {
		rtf.state.struck = on(param);
	},
	deleted: (rtf, param) => {
		rtf.state.struck = on(param);
	},
	super: (rtf, param) => {
		rtf.state.raised = on(param);
	},
	nosupersub: (rtf) => {
		rtf.state.raised = false;
	},

	// Lines and tables.
	par: line,
	'\n': line,
	'\r': line,
	line,
	lbr: line,
	sect: line,
	page: line,
	column: line,
	pard: (rtf) => {
		rtf.state.inTable = false;
	},
	intbl: (rtf) => {
		rtf.state.inTable = true;
	},
	cell: visible((rtf) => rtf.page.cell()),
	row: visible((rtf) => rtf.page.row()),
	nestcell: visible((rtf) => rtf.page.cell('nested')),
	nestrow: visible((rtf) => rtf.page.row('nested')),
	tab: say('\t'),

	// Characters by name.
	'~': say('\u00a0'),
	_: say('-'),
	bullet: say('•'),
	endash: say('–'),
	emdash: say('—'),
	lquote: say('‘'),
	rquote: say('’'),
	ldblquote: say('“'),
	rdblquote: say('”'),
	emspace: say(' '),
	enspace: say(' '),
	qmspace: say(' '),

	footnote: (rtf) => {
		rtf.characters(' [note: ');
		rtf.state.closes = ']';
	},
};
