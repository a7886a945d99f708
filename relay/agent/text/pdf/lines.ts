/**
 * The pieces of text on a page → lines. pdf.js gives pieces in the order in which they are drawn, with their positions. Drawn
 * downwards they are lines in reading order; where drawing goes up again, what comes is either set beside what is there (a table
 * drawn by columns, a heading drawn last) and joins its lines, or a column of prose, which stays a whole.
 */

export interface Piece {
	str: string;
	/** Its matrix: [4] and [5] are where its baseline begins, from the lower left of the page. */
	transform: number[];
	width: number;
	height: number;
	dir: string;
}

interface Placed {
	text: string;
	x: number;
	y: number;
	width: number;
	size: number;
	rtl: boolean;
}

interface Line {
	y: number;
	size: number;
	pieces: Placed[];
}

/** What is set side by side: its lines come from the top down in the end. */
interface Region {
	lines: Line[];
	prose: boolean;
	top: number;
	bottom: number;
}

/** A column of prose has at least so many lines, of so many characters as a rule; cells of a table are shorter. */
const PROSE_LINES = 3;
const PROSE_LENGTH = 28;

export function pageLines(pieces: Piece[]): string[] {
	const placed: Placed[] = [];
	const turned: string[] = [];
	for (const piece of pieces) {
		if (piece.str.trim() === '') continue;
		const [a = 0, b = 0, , , x = 0, y = 0] = piece.transform;
		// Written upwards, such as a stamp along the margin: it has no place among the lines.
		if (Math.abs(b) > Math.abs(a)) turned.push(piece.str.trim());
		else
			placed.push({
				text: piece.str,
				x,
				y,
				width: piece.width,
				size: piece.height || Math.abs(a) || 1,
				rtl: piece.dir === 'rtl',
			});
	}
	const regions: Region[] = [];
	for (const flow of flows(placed)) {
		const region = regions.at(-1);
		const prose = isProse(flow);
		if (region && !(prose && region.prose && besides(flow, region))) add(region, flow, prose);
		else regions.push(add({ lines: [], prose: false, top: -Infinity, bottom: Infinity }, flow, prose));
	}
	const lines = regions.flatMap((region, i) => [...(i > 0 ? [''] : []), ...written(rows(region.lines))]);
	return turned.length === 0 ? lines : [...lines, '', turned.join(' ')];
}

const sameLine = (a: { y: number; size: number }, b: { y: number; size: number }) =>
	Math.abs(a.y - b.y) < 0.4 * Math.min(a.size, b.size) + 0.1;

/** Runs of lines that go down the page. */
function flows(placed: Placed[]): Line[][] {
	const all: Line[][] = [];
	let last: Line | undefined;
	for (const piece of placed) {
		if (last && sameLine(last, piece)) {
			last.pieces.push(piece);
			last.size = Math.max(last.size, piece.size);
			continue;
		}
		const up = last === undefined || piece.y > last.y;
		last = { y: piece.y, size: piece.size, pieces: [piece] };
		if (up) all.push([last]);
		else all.at(-1)!.push(last);
	}
	return all;
}

function isProse(lines: Line[]): boolean {
	const lengths = lines
		.map(({ pieces }) => pieces.reduce((sum, { text }) => sum + text.length, 0))
		.sort((a, b) => a - b);
	return lengths.length >= PROSE_LINES && lengths[lengths.length >> 1]! >= PROSE_LENGTH;
}

/** Whether most lines of `flow` have the height of `region`'s. */
function besides(flow: Line[], region: Region): boolean {
	const beside = flow.filter(({ y }) => y <= region.top + 1 && y >= region.bottom - 1).length;
	return beside >= PROSE_LINES && beside * 2 >= flow.length;
}

function add(region: Region, flow: Line[], prose: boolean): Region {
	for (const line of flow) {
		region.lines.push(line);
		region.top = Math.max(region.top, line.y);
		region.bottom = Math.min(region.bottom, line.y);
	}
	region.prose ||= prose;
	return region;
}

/** From the top down, what shares a baseline on one line. */
function rows(lines: Line[]): Line[] {
	const joined: Line[] = [];
	for (const line of [...lines].sort((a, b) => b.y - a.y)) {
		const above = joined.at(-1);
		if (above && sameLine(above, line)) {
			for (const piece of line.pieces) above.pieces.push(piece);
			above.size = Math.max(above.size, line.size);
		} else joined.push(line);
	}
	return joined;
}

/** With a blank line where the page has a wide gap. */
function written(lines: Line[]): string[] {
	return lines.flatMap((line, i) => {
		const above = lines[i - 1];
		const gap = above !== undefined && above.y - line.y > 1.9 * Math.max(above.size, line.size);
		return [...(gap ? [''] : []), words(line)];
	});
}

/** From left to right, or as the script goes; wide gaps, as between the columns of a table, stay wide. */
function words({ pieces }: Line): string {
	const rtl = pieces.filter((piece) => piece.rtl).length * 2 > pieces.length;
	const ordered = [...pieces].sort((a, b) => (rtl ? b.x - a.x : a.x - b.x));
	const text: string[] = [];
	let last: Placed | undefined;
	for (const piece of ordered) {
		// Bold by drawing twice.
		if (last && piece.text === last.text && Math.abs(piece.x - last.x) < 0.2 * piece.size) continue;
		const gap = last ? (rtl ? last.x - (piece.x + piece.width) : piece.x - (last.x + last.width)) : 0;
		const apart = gap > 1.5 * piece.size ? '   ' : gap > 0.12 * piece.size ? ' ' : '';
		const spaced = apart === ' ' && (last?.text.endsWith(' ') || piece.text.startsWith(' '));
		text.push(spaced ? '' : apart, piece.text);
		last = piece;
	}
	return text.join('');
}
