/** A table as rows of `cell | cell`, its header marked as Markdown does. */
import { holds, write, writeAll, writeBlock } from './flow.js';
import { type Element, elements } from './markup.js';
import { Page } from './page.js';

/** A stranger's spans; real tables have no more columns, and the rows that a cell covers end with the table. */
const MAX_COLUMNS = 200;

interface Row {
	element: Element;
	header: boolean;
}

export function writeTable(table: Element, page: Page): void {
	page.block();
	for (const caption of elements(table, 'caption')) write(caption, page);
	const rows = rowsOf(table);
	// Pages and mails are laid out with tables around tables: those are no rows of anything.
	if (rows.some(({ element }) => holds(element, 'table'))) {
		for (const { element } of rows) for (const cell of elements(element)) writeBlock(cell, page);
		return;
	}
	/** By column: a cell from above that goes on, and for how many rows. */
	let covering: { text: string; rows: number }[] = [];
	rows.forEach(({ element, header }, i) => {
		if (page.full) return;
		const { cells, below } = cellsOf(element, covering);
		covering = below;
		if (cells.every((cell) => cell === '')) return;
		// One cell over the whole width is a heading of what follows.
		page.exact(elements(element).length === 1 ? cells.join(' ').trim() : cells.join(' | '));
		page.newline();
		if (header && !rows[i + 1]?.header) {
			page.exact(cells.map(() => '---').join(' | '));
			page.newline();
		}
	});
	for (const foot of elements(table, 'footnote')) writeBlock(foot, page);
}

/** Head, bodies, foot: in that order, wherever the foot stands. */
function rowsOf(table: Element): Row[] {
	const groups: Element[] = [
		...elements(table, 'thead'),
		...elements(table).filter(({ name }) => name === 'tbody' || name === 'tr'),
		...elements(table, 'tfoot'),
	];
	const rows = groups.flatMap((group) =>
		group.name === 'tr'
			? [{ element: group, header: false }]
			: elements(group, 'tr').map((element) => ({ element, header: group.name === 'thead' })),
	);
	const top = rows[0];
	// Without a thead, a first row of nothing but th is the header.
	if (top && !top.header && elements(top.element, 'th').length > 1 && elements(top.element, 'td').length === 0)
		top.header = true;
	return rows;
}

/** The texts of a row by column. A cell over several columns leaves the others empty; one over several rows is said in each. */
function cellsOf(row: Element, covering: { text: string; rows: number }[]) {
	const cells: string[] = [];
	const below: { text: string; rows: number }[] = [];
	const fromAbove = () => {
		for (let above = covering[cells.length]; above && above.rows > 0; above = covering[cells.length]) {
			below[cells.length] = { text: above.text, rows: above.rows - 1 };
			cells.push(above.text);
		}
	};
	for (const cell of elements(row).filter(({ name }) => name === 'td' || name === 'th')) {
		fromAbove();
		const text = cellText(cell);
		const columns = span(cell.attributes.colspan);
		const rows = span(cell.attributes.rowspan) - 1;
		for (let i = 0; i < columns && cells.length < MAX_COLUMNS; i++) {
			if (rows > 0) below[cells.length] = { text: i === 0 ? text : '', rows };
			cells.push(i === 0 ? text : '');
		}
	}
	fromAbove();
	return { cells, below };
}

function span(value: string | undefined): number {
	const number = Number.parseInt(value ?? '1', 10);
	return number >= 1 ? Math.min(number, MAX_COLUMNS) : 1;
}

/** One line: what a cell has on several is parted by semicolons. */
function cellText(cell: Element): string {
	const page = new Page();
	writeAll(cell, page);
	return page
		.toString()
		.split('\n')
		.map((line) => line.trim())
		.filter((line) => line !== '')
		.join('; ');
}
