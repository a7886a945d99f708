import type { ConnectionView } from '../../sw/contract.js';
import { fromOf } from '../from.js';
import { countWords } from '../words/amounts.js';
import { chooseAll as w } from '../words/session.js';
import { locale } from '../words.js';

/** From so many on, choosing one by one is tedious. */
const MANY = 4;

/** How many of a long list are chosen, and all of them or none with one press. */
export function ChooseAll(props: {
	list: ConnectionView[];
	include: string[];
	onChoose(chosen: ConnectionView[]): void;
}) {
	const { list, include } = props;
	const open = list.filter((one) => fromOf(one, {}));
	if (open.length < MANY) return null;
	const all = open.every(({ id }) => include.includes(id));
	return (
		<div class="choose-all">
			<p class="quiet" role="status">
				{w.chosen(countWords(include.length, locale), countWords(open.length, locale))}
			</p>
			<button type="button" class="button" onClick={() => props.onChoose(all ? [] : open)}>
				{all ? w.none : w.all}
			</button>
		</div>
	);
}
