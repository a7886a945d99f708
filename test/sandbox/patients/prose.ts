/** Words of notes that a compressor finds as hard as those of real ones: many words, some of them everywhere, most of them seldom. */
import type { Random } from './random.js';

const beginnings =
	'peri endo hypo hyper sub inter trans para poly mono brady tachy dys micro macro anti retro supra'.split(' ');
const roots =
	'card hepat nephr neur oste derm gastr pulmon arthr vascul lymph ocul cervic thorac abdomin crani spin musc tendin glyc'.split(
		' ',
	);
const endings = 'itis osis al ic opathy ectomy oscopy algia emia ation ular ine'.split(' ');
const plain =
	'the of and with in to was is no on for at left right patient since visit daily twice mild normal severe pain without history exam today over past weeks denies reports continue follow up results within limits'.split(
		' ',
	);

const words = [
	...plain,
	...roots.flatMap((root) => endings.map((ending) => root + ending)),
	...beginnings.flatMap((beginning) => roots.flatMap((root) => endings.slice(0, 6).map((e) => beginning + root + e))),
];

/** A sentence of 6 to 16 words, with a measurement now and then. */
export function sentence(random: Random): string {
	const length = random.whole(6, 16);
	let text = '';
	for (let i = 0; i < length; i++) {
		// Skewed, as words are: half of them are from the first tenth.
		const word = words[Math.floor(random.next() ** 3.3 * words.length)]!;
		text += i === 0 ? word[0]!.toUpperCase() + word.slice(1) : ` ${word}`;
		if (random.chance(0.06)) text += ` ${random.whole(1, 999)}.${random.whole(0, 9)} mg/dL`;
	}
	return `${text}.`;
}
