/**
 * RTF (specification 1.9.1) → text. An own reader: the tokenizer of rtf-stream-parser takes seconds for a megabyte of text with
 * line ends (quadratic), allocates whatever `\bin` claims, and knows no tables.
 */
import { MAX_DEPTH } from '../limits.js';
import type { Reading } from '../reading.js';
import { bytesToText, type Font, symbolic } from './charset.js';
import { RtfPage } from './page.js';
import { tokens } from './tokens.js';
import { controls } from './words.js';

/** What a group changes and its end restores. */
interface State {
	/** Nothing in it is text: tables of fonts, styles, pictures. */
	skip: boolean;
	/** Is the table of fonts. */
	fonts: boolean;
	font: number | undefined;
	/** How many characters stand in for a \u, for readers without Unicode. */
	uc: number;
	hidden: boolean;
	struck: boolean;
	raised: boolean;
	/** In a cell of a table. */
	inTable: boolean;
	/** What is written when it ends: the bracket of a footnote. */
	closes: string;
}

export class Rtf {
	readonly page = new RtfPage();
	readonly fonts = new Map<number, Font>();
	state: State = {
		skip: false,
		fonts: false,
		font: undefined,
		uc: 1,
		hidden: false,
		struck: false,
		raised: false,
		inTable: false,
		closes: '',
	};
	codePage = 'windows-1252';
	defaultFont: number | undefined;
	pictures = 0;
	/** The font being described, inside the table of fonts. */
	entry: Font | undefined;
	/** Octets not decoded yet: characters of East Asian code pages have two. */
	#octets: number[] = [];

	octet(value: number): void {
		if (this.entry) this.entry.name += String.fromCharCode(value);
		else if (!this.state.skip && !this.state.hidden) this.#octets.push(value);
	}

	/** Text that is Unicode already. */
	characters(text: string): void {
		this.flush();
		if (this.state.skip || this.state.hidden) return;
		const font = this.fonts.get(this.state.font ?? -1);
		this.page.text(font ? symbolic(text, font) : text, this.state);
	}

	flush(): void {
		if (this.#octets.length === 0) return;
		const octets = Uint8Array.from(this.#octets);
		this.#octets = [];
		this.page.text(bytesToText(octets, this.fonts.get(this.state.font ?? -1), this.codePage), this.state);
	}
}

export function readRtf(octets: Uint8Array): Reading {
	const rtf = new Rtf();
	const groups: State[] = [];
	let depth = 0;
	/** Right after `{`, and after `{\*`. */
	let opening: 'group' | 'optional' | null = null;
	/** Stand-ins of a \u that are still to come. */
	let standIns = 0;
	for (const token of tokens(octets)) {
		if (rtf.page.full || depth > MAX_DEPTH) return { text: rtf.page.toString(), cut: true };
		switch (token.kind) {
			case 'open':
				rtf.flush();
				groups.push({ ...rtf.state });
				rtf.state.closes = '';
				depth++;
				opening = 'group';
				standIns = 0;
				continue;
			case 'close':
				rtf.flush();
				if (rtf.state.closes !== '') rtf.page.text(rtf.state.closes, rtf.state);
				if (rtf.state.fonts) rtf.entry = undefined;
				rtf.state = groups.pop() ?? rtf.state;
				depth--;
				// What follows the outermost group is no part of the document.
				if (depth === 0) return ended(rtf);
				standIns = 0;
				break;
			case 'octet':
				if (standIns > 0) standIns--;
				else rtf.octet(token.value);
				break;
			case 'word':
				if (token.word === '*') {
					opening = 'optional';
					continue;
				}
				if (standIns > 0 && token.word !== 'u') {
					standIns--;
					break;
				}
				if (token.word === 'u') {
					// Negative where the writer thought in 16 bits with a sign.
					rtf.characters(String.fromCharCode((token.param ?? 63) & 0xffff));
					standIns = rtf.state.uc;
				} else control(rtf, token.word, token.param, opening);
		}
		opening = null;
	}
	return ended(rtf);
}

function control(rtf: Rtf, word: string, param: number | undefined, opening: 'group' | 'optional' | null): void {
	// A destination that may be ignored, and is; pictures among them are counted all the same, and the end of a nested row is in one.
	if (opening === 'optional' && word !== 'nesttableprops') {
		rtf.flush();
		if (word === 'shppict' && !rtf.state.skip) picture(rtf);
		rtf.state.skip = true;
		return;
	}
	if (opening === 'group' && word === 'pict' && !rtf.state.skip) picture(rtf);
	const act = Object.hasOwn(controls, word) ? controls[word] : undefined;
	if (!act) return;
	rtf.flush();
	act(rtf, param);
}

function picture(rtf: Rtf): void {
	rtf.pictures++;
	rtf.page.mark('[picture]');
	rtf.state.skip = true;
}

function ended(rtf: Rtf): Reading {
	rtf.flush();
	const text = rtf.page.toString();
	return rtf.pictures > 0 && !rtf.page.said ? { text: '', problem: 'image' } : { text };
}
