/** One line of the summary. */
import { dayOf } from '../clinical/date.js';
import type { Fact, Quantity, Section } from '../clinical/fact.js';
import type { Entry, Line } from './gather.js';
import { plain, verbatim } from './markdown.js';
import { countedOnly } from './sections.js';
import { tagOf, tagsOf } from './tags.js';

/** Characters of what a record says in one line. */
const LONGEST = 480;
/** Parts of a panel that are shown. */
const PARTS = 8;

const FLAGS = {
	low: 'LOW',
	high: 'HIGH',
	critical_low: 'CRITICALLY LOW',
	critical_high: 'CRITICALLY HIGH',
	abnormal: 'ABNORMAL',
} as const;

/** What goes without saying. */
const USUAL = new Set(['active', 'completed', 'final', 'finished', 'current', 'amended', 'corrected', 'available']);

export function lineOf(section: Section, line: Line): string {
	const [first] = line.entries;
	if (!first) return '';
	const { fact, type, ref } = first;
	const tags = tagsOf(line.sources.map(tagOf));
	if (countedOnly(section, type)) {
		const until = fact.date && dayOf(fact.date);
		const span = until === null || line.since === until ? until : `${line.since} to ${until}`;
		return `- ${plain(type)}: ${[records(line.records), span].filter(Boolean).join(', ')} — ${tags}`;
	}
	const result = resultOf(fact);
	const said = [
		result && `${result}${fact.range === null ? '' : ` (range ${fact.range})`}`,
		whenOf(section, line, first),
		fact.status !== null && !USUAL.has(fact.status) && fact.status,
		...fact.details,
		...beforeOf(section, line),
		...alsoCalled(line, fact),
	];
	const text = fitting(said.filter((one): one is string => typeof one === 'string' && one !== ''));
	const flag = worstOf(fact);
	return [
		`- **${plain(fact.title)}**${flag ? ` **${flag}**` : ''}${text ? `: ${plain(text)}` : ''}`,
		`— ${tags} ${verbatim(ref)}`.trim(),
	].join(' ');
}

function fitting(said: string[]): string {
	let text = '';
	for (const one of said) {
		if (text.length + one.length > LONGEST)
			return text ? `${text}; …` : `${one.slice(0, LONGEST)}…`.replace(/\p{Cs}/gu, '');
		text += text ? `; ${one}` : one;
	}
	return text;
}

const records = (count: number) => (count === 1 ? '1 record' : `${count} records`);

function worstOf({ flag, parts }: Fact): string | null {
	const flags = [flag, ...parts.map((part) => part.flag)].filter((one) => one !== null);
	const worst = flags.find((one) => one.startsWith('critical')) ?? flags[0];
	return worst ? FLAGS[worst] : null;
}

/** `7.2 %`, and of a panel each part with its own flag: `Systolic blood pressure 152 mmHg HIGH`. */
function resultOf(fact: Fact): string | null {
	const own = fact.value && shown(fact.value);
	const parts = fact.parts
		.toSorted(systolicFirst)
		.slice(0, PARTS)
		.map((part) => {
			const flag = part.flag ? ` ${FLAGS[part.flag]}` : '';
			const range = part.range === null ? '' : ` (range ${part.range})`;
			return `${part.title} ${part.value ? shown(part.value) : (part.details[0] ?? 'without a value')}${flag}${range}`;
		});
	const more = fact.parts.length > PARTS ? [`${fact.parts.length - PARTS} more parts`] : [];
	return [own, ...parts, ...more].filter(Boolean).join(', ') || null;
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

function whenOf(section: Section, line: Line, { fact }: Entry): string | null {
	const [from, to] = [fact.date && dayOf(fact.date), fact.end && dayOf(fact.end)];
	if (section === 'problems') {
		const start = from ?? null;
		return [start && `since ${start}`, to && `until ${to}`].filter(Boolean).join(' ') || 'no date';
	}
	const at = isResult(fact) ? momentOf(fact, line.entries[1]?.fact) : from;
	if (at === null) return to === null ? 'no date' : `until ${to}`;
	return to === null || to === from ? at : `${at} to ${to}`;
}

/** The day; of two results of one day the time too. */
function momentOf({ date }: Fact, other: Fact | undefined): string | null {
	if (date === null) return null;
	const alike = other?.date && dayOf(other.date) === dayOf(date) && other.date !== date;
	return alike ? date.slice(0, 'YYYY-MM-DDThh:mm'.length).replace('T', ' ') : dayOf(date);
}

const isResult = ({ value, parts }: Fact) => value !== null || parts.length > 0;

/** What came before the newest: the last value of a test, the days of a vaccine, other dosages of a medicine. */
function beforeOf(section: Section, { entries, records: count, since, sources }: Line): string[] {
	const [first, ...older] = entries;
	if (!first) return [];
	const day = ({ fact }: Entry) => (fact.date === null ? 'no date' : dayOf(fact.date));
	const many =
		count > sources.length && since !== null && since !== day(first) ? [`${records(count)} since ${since}`] : [];
	const [before] = older;
	if (isResult(first.fact)) {
		const result = before && resultOf(before.fact);
		const flag = before && worstOf(before.fact);
		const when = before && (momentOf(before.fact, first.fact) ?? 'no date');
		return [...(result ? [`before: ${result}${flag ? ` ${flag}` : ''} (${when})`] : []), ...(count > 2 ? many : [])];
	}
	const days = [...new Set(older.map(day))];
	const also = days.length > 0 ? [`also on ${days.join(', ')}`, ...(count > entries.length ? many : [])] : [];
	if (section === 'immunizations') return also;
	if (section === 'medications' || section === 'reports') {
		const own = first.fact.details[0];
		const other = older.filter(({ fact }) => fact.details[0] !== undefined && fact.details[0] !== own).slice(0, 2);
		return [
			...other.map((one) => `before, ${day(one)}: ${one.fact.details[0]}`),
			...(section === 'reports' ? also : many),
		];
	}
	return many;
}

function alsoCalled({ titles }: Line, fact: Fact): string[] {
	const others = titles.filter((title) => title.toLowerCase() !== fact.title.toLowerCase());
	return others.length > 0 ? [`also called: ${others.join(', ')}`] : [];
}
