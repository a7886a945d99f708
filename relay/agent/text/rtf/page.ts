/** The text of an RTF as it is being written: paragraphs, and cells that become rows. */
import { MAX_TEXT } from '../limits.js';

interface Look {
	struck: boolean;
	raised: boolean;
	inTable: boolean;
}

export class RtfPage {
	#lines: string[] = [];
	#paragraph = '';
	/** The paragraphs of the cell that is open, the cells of its row; the same for a table inside a cell. */
	#cell: string[] = [];
	#row: string[] = [];
	#nested: string[] = [];
	#struck = false;
	#raised = false;
	/** The last character written: looking for it in the paragraph would copy that each time. */
	#last = '';
	#left = MAX_TEXT + 1000;
	/** Whether there is more than marks of pictures. */
	said = false;

	get full(): boolean {
		return this.#left <= 0;
	}

	text(text: string, look: Look): void {
		if (text === '') return;
		// What is struck out must not read like the rest, nor 10³ like 103.
		if (look.struck !== this.#struck) this.#strike(look.struck);
		if (look.raised && !this.#raised && /^[-+−\d]/.test(text) && /\w/.test(this.#last)) this.#add('^');
		this.#raised = look.raised;
		this.said ||= text.trim() !== '';
		this.#add(text);
	}

	/** A word about what is no text. */
	mark(mark: string): void {
		this.#add(mark);
	}

	line(look: Look): void {
		if (look.inTable) {
			this.#endParagraph();
			return;
		}
		// Cells that no \row ended.
		if (this.#row.length > 0 || this.#cell.length > 0) this.row();
		this.#unstrike();
		this.#push(this.#paragraph);
		this.#paragraph = '';
	}

	cell(nested?: 'nested'): void {
		if (nested) {
			this.#unstrike();
			this.#nested.push(this.#paragraph.trim());
			this.#paragraph = '';
			return;
		}
		if (this.#nested.length > 0) this.row('nested');
		this.#endParagraph();
		this.#row.push(this.#cell.join('; '));
		this.#cell = [];
	}

	row(nested?: 'nested'): void {
		if (nested) {
			if (this.#nested.length > 0) this.#cell.push(this.#nested.join(', '));
			this.#nested = [];
			return;
		}
		this.#endParagraph();
		if (this.#cell.length > 0) this.cell();
		if (this.#row.some((cell) => cell !== '')) this.#push(this.#row.join(' | '));
		this.#row = [];
	}

	toString(): string {
		if (this.#nested.length > 0) this.row('nested');
		if (this.#row.length > 0 || this.#cell.length > 0) this.row();
		this.#unstrike();
		if (this.#paragraph !== '') this.#push(this.#paragraph);
		this.#paragraph = '';
		return this.#lines.join('\n');
	}

	#endParagraph(): void {
		this.#unstrike();
		if (this.#paragraph.trim() !== '') this.#cell.push(this.#paragraph.replace(/\t/g, ' ').trim());
		this.#paragraph = '';
	}

	#strike(struck: boolean): void {
		this.#struck = struck;
		this.#add('~~');
	}

	#unstrike(): void {
		if (this.#struck) this.#strike(false);
	}

	#add(text: string): void {
		if (this.full) return;
		this.#paragraph += text;
		this.#last = text.at(-1) ?? '';
		this.#left -= text.length;
	}

	#push(line: string): void {
		this.#lines.push(line);
		this.#left -= 1;
	}
}
