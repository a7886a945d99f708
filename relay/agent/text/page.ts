/** A page of text as it is being written: words flow, blocks begin a line, lists are indented. */
import { MAX_TEXT } from './limits.js';

export class Page {
	#lines: string[] = [];
	#line = '';
	#indent: string[] = [];
	/** What stands before the next line once, in place of its indent's last step: the mark of a list's item. */
	#mark: string | null = null;
	#space = false;
	#left: number;

	/** @param left UTF-16 units that it takes; a little more, since whoever cuts must see that there is more */
	constructor(left: number = MAX_TEXT + 1000) {
		this.#left = left;
	}

	/** Whether everything that comes now is lost. */
	get full(): boolean {
		return this.#left <= 0;
	}

	/** Text of which white space is one space, as HTML and C-CDA have it. */
	flow(text: string): void {
		if (this.full) return;
		const words = text.replace(/[ \t\r\n\f]+/g, ' ');
		if (words === ' ') {
			this.#space = this.#line !== '';
			return;
		}
		const starts = words.startsWith(' ');
		const ends = words.endsWith(' ');
		this.exact((this.#space || starts) && this.#line !== '' ? ` ${words.trim()}` : words.trim());
		this.#space = ends;
	}

	/** Text as it stands, on the line that is open. */
	exact(text: string): void {
		if (this.full || text === '') return;
		this.#space = false;
		this.#line += text;
		this.#left -= text.length;
	}

	/** Text of which the line ends count. */
	preformatted(text: string): void {
		text.split(/\r\n?|\n/).forEach((line, i) => {
			if (i > 0) this.newline();
			this.exact(line);
		});
	}

	/** Ends the line that is open, be it empty. */
	newline(): void {
		if (this.full) return;
		const blank = this.#line === '' && this.#mark === null;
		const indent = this.#indent.join('');
		const start = this.#mark === null ? indent : this.#indent.slice(0, -1).join('') + this.#mark;
		this.#lines.push(blank ? '' : start + this.#line);
		this.#left -= 1 + (blank ? 0 : start.length);
		this.#mark = null;
		this.#line = '';
		this.#space = false;
	}

	/** What follows begins a line. */
	block(): void {
		if (this.#line !== '') this.newline();
	}

	/** What follows has a blank line before it. */
	gap(): void {
		this.block();
		if (this.#mark === null && this.#lines.length > 0 && this.#lines.at(-1) !== '') this.newline();
	}

	/** An item of a list: its lines stand below each other, the mark before the first. */
	item(mark: string, write: () => void): void {
		this.block();
		this.#indent.push(' '.repeat(mark.length));
		this.#mark = mark;
		write();
		this.block();
		this.#mark = null;
		this.#indent.pop();
	}

	toString(): string {
		this.block();
		return this.#lines.join('\n');
	}
}
