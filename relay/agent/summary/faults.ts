/** Records that this program could not read: each costs its own line, and that is said. */
import { Smallest } from '../clinical/smallest.js';
import { verbatim } from './markdown.js';
import { tagOf } from './tags.js';

/** Of one source. */
const SHOWN = 5;

export class Faults {
	readonly #of = new Map<number, { count: number; refs: Smallest<string> }>();

	add(source: number, ref: string): void {
		const known = this.#of.get(source) ?? { count: 0, refs: new Smallest<string>(SHOWN) };
		known.count++;
		known.refs.add(
			ref,
			() => ref,
			(kept) => kept,
		);
		this.#of.set(source, known);
	}

	lines(): string[] {
		return [...this.#of]
			.sort(([one], [other]) => one - other)
			.map(([source, { count, refs }]) => {
				const names = refs.entries().map(([, ref]) => verbatim(ref));
				const more = count > names.length ? ` and ${count - names.length} more` : '';
				const what =
					count === 1
						? '1 record is here and not in this summary'
						: `${count} records are here and not in this summary`;
				return `- ${tagOf(source)}: ${what}, for a fault of this program: ${names.filter(Boolean).join(', ')}${more}`;
			});
	}
}
