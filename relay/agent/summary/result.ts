/** Values as a line has them. */

import type { Fact, Quantity } from '../clinical/fact.js';
import { FLAG_WORDS } from '../clinical/flag.js';
import { worstOf } from './entry.js';

/** Parts of a panel that are shown. */
const PARTS = 8;

/** The worst of it and its parts. */
export function flagOf(fact: Fact): string | null {
	const worst = worstOf(fact);
	return worst && FLAG_WORDS[worst].toUpperCase();
}

/** `7.2 %`, and of a panel each part with its own flag, the critical ones first: `Systolic blood pressure 152 mmHg HIGH`. */
export function resultOf(fact: Fact, ref: string): string | null {
	const own = fact.value && shown(fact.value);
	const isLong = fact.parts.length > PARTS;
	const parts = fact.parts
		.toSorted((one, other) => (isLong ? gravity(one) - gravity(other) : 0) || systolicFirst(one, other))
		.slice(0, PARTS)
		.map((part) => {
			const flag = part.flag ? ` ${FLAG_WORDS[part.flag].toUpperCase()}` : '';
			const range = part.range === null ? '' : ` (range ${part.range})`;
			return `${part.title} ${part.value ? shown(part.value) : (part.details[0] ?? 'without a value')}${flag}${range}`;
		});
	const rest = fact.parts.length - PARTS;
	const more = rest > 0 ? [`… ${rest} more ${rest === 1 ? 'part' : 'parts'}: read ${ref}`] : [];
	return [own, ...parts, ...more].filter(Boolean).join(', ') || null;
}

/** A long panel begins with what is out of range; a short one is told whole, in its own order. */
function gravity({ flag }: Fact): number {
	if (flag === null) return 2;
	return flag.startsWith('critical') ? 0 : 1;
}

/** Some servers put the diastolic pressure first; nobody says it so. */
const systolicFirst = (one: Fact, other: Fact) => Number(isSystolic(other)) - Number(isSystolic(one));
const isSystolic = ({ codes }: Fact) => codes.some(({ code }) => code === '8480-6');

/** Five digits, or two after the point: what a machine has computed to sixteen places nobody has measured so. */
function shown({ text, number, unit }: Quantity): string {
	const long = number !== null && /\.\d{4,}/.test(text) && !/e/i.test(text);
	const whole = long ? String(Math.trunc(Math.abs(number))).length : 0;
	const short = long ? String(Number(number.toPrecision(Math.min(100, Math.max(5, whole + 2))))) : text;
	return unit === null ? short : `${short} ${unit}`;
}
