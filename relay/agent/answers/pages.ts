/** Cuts an answer into pages. A cursor says where the next begins, and of which question and delivery it is. */
import { createHash } from 'node:crypto';
import { first } from '../characters.js';
import type { Index } from '../files/records.js';
import { invalid } from './invalid.js';
import { MARKS, marked } from './marked.js';
import { PAGE, type Page } from './question.js';

/** All of an answer; the same each time it is asked for. */
export interface Whole {
	/** Our own words, on every page. */
	head: string;
	/** What comes from records. */
	body: string;
}

/** Every page but the last ends so. */
const MORE = '\nThere is more: ask again with what "next" says.';

export class Pages {
	readonly #seal: string;

	/** @param question what was asked, without `next` */
	constructor({ receivedAt, sentAt, sources }: Index, question: unknown) {
		const delivery = [receivedAt, sentAt, sources.map(({ folder, bytes }) => [folder, bytes])];
		this.#seal = createHash('sha256')
			.update(JSON.stringify([delivery, question]))
			.digest('base64url')
			.slice(0, 11);
	}

	/** Where in the body to begin. @throws {AgentError} `query_invalid` */
	start(next: string | undefined): number {
		if (next === undefined) return 0;
		const [, position, seal] = /^([0-9a-z]{1,8})\.([\w-]{11})$/.exec(next) ?? [];
		if (position === undefined) throw invalid('"next" is not one that was given');
		if (seal !== this.#seal) throw invalid('"next" is of another question, or of records that were replaced');
		return Number.parseInt(position, 36);
	}

	/** @throws {AgentError} `query_invalid` the body ends before `start` */
	cut({ head, body }: Whole, start: number): Page {
		if (start > 0 && start >= body.length) throw invalid('"next" is not one that was given');
		const room = PAGE - MARKS - MORE.length - head.length - 1;
		const end = endOf(body, start, room);
		const text = `${head}\n${marked(body.slice(start, end).replace(/\n$/, ''))}`;
		if (end >= body.length) return { text };
		return { text: text + MORE, next: `${end.toString(36)}.${this.#seal}` };
	}
}

/** After a line where one ends within the room, else within it, between two characters. */
function endOf(body: string, start: number, room: number): number {
	const most = start + room;
	if (most >= body.length) return body.length;
	const line = body.lastIndexOf('\n', most - 1) + 1;
	if (line > start + room / 2) return line;
	return start + first(body.slice(start, most + 1), room).length;
}
