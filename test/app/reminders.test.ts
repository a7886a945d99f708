import { describe, expect, it } from 'vitest';
import { endAsCalendar } from '../../app/calendar.js';
import { type Abilities, obstacle } from '../../app/obstacle.js';

const NOW = new Date(2026, 0, 2, 10, 30).getTime();
/** Late in the evening, so that another day in UTC would be seen in most time zones. */
const END = new Date(2026, 0, 22, 23, 30).getTime();
const LINK = 'https://satchel.example/connections';
const connection = { id: '7f0c', providerName: 'St. Mary; Hospital, Madison' };

interface Component {
	name: string;
	values: Record<string, string>;
	parts: Component[];
}

/** iCalendar read back: lines unfolded (RFC 5545, section 3.1), TEXT unescaped (3.3.11), components nested. */
function parse(text: string): Component {
	const root: Component = { name: '', values: {}, parts: [] };
	const open = [root];
	for (const line of text.replace(/\r\n[ \t]/g, '').split('\r\n')) {
		const [, name = '', value = ''] = /^([A-Z-]+)(?:;[^:]*)?:(.*)$/.exec(line) ?? [];
		const current = open.at(-1);
		if (!current || !name) continue;
		if (name === 'BEGIN') {
			const part = { name: value, values: {}, parts: [] };
			current.parts.push(part);
			open.push(part);
		} else if (name === 'END') open.pop();
		else
			current.values[line.slice(0, line.indexOf(':'))] = value.replace(/\\([\\;,nN])/g, (_, c) =>
				/n/i.test(c) ? '\n' : c,
			);
	}
	expect(open).toEqual([root]);
	return root;
}

function read(end = END, now = NOW) {
	const text = endAsCalendar(connection, end, LINK, now);
	const [calendar] = parse(text).parts;
	const [event] = calendar?.parts ?? [];
	if (!calendar || !event) throw new Error(text);
	return { text, calendar, event };
}

describe('the end of a connection in a calendar', () => {
	it('is a day-long event on that day here, that blocks no time and names the provider', () => {
		const { calendar, event } = read();
		expect(calendar).toMatchObject({ name: 'VCALENDAR', values: { VERSION: '2.0', METHOD: 'PUBLISH' } });
		expect(event).toMatchObject({
			name: 'VEVENT',
			values: {
				'DTSTART;VALUE=DATE': '20260122',
				SUMMARY: 'Access to St. Mary; Hospital, Madison ends',
				TRANSP: 'TRANSPARENT',
				'URL;VALUE=URI': LINK,
			},
		});
		expect(event.values.DESCRIPTION).toContain(LINK);
	});

	it('rings a week and a day before, at nine in the morning', () => {
		expect(read().event.parts.map(({ name, values }) => [name, values.ACTION, values.TRIGGER])).toEqual([
			['VALARM', 'DISPLAY', '-P6DT15H'],
			['VALARM', 'DISPLAY', '-PT15H'],
		]);
	});

	it('does not ring for what is over when it is imported', () => {
		expect(read(END, new Date(2026, 0, 16, 10).getTime()).event.parts).toHaveLength(1);
		expect(read(END, new Date(2026, 0, 22, 10).getTime()).event.parts).toHaveLength(0);
	});

	it('saved again later it is the same event in a newer version, so that importing it moves the first', () => {
		const first = read().event.values;
		const second = read(END + 90 * 86_400_000, NOW + 86_400_000).event.values;
		expect(second.UID).toBe(first.UID);
		expect(Number(second.SEQUENCE)).toBeGreaterThan(Number(first.SEQUENCE));
		expect(second['DTSTART;VALUE=DATE']).toBe('20260422');
	});

	it('keeps to lines of 75 octets that end as calendars want them', () => {
		const { text } = read();
		expect(text.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
		for (const line of text.split('\r\n')) expect(Buffer.byteLength(line)).toBeLessThanOrEqual(75);
	});
});

describe('what stands in the way of a notification', () => {
	const able: Abilities = {
		notifications: true,
		periodicSync: true,
		ios: false,
		permission: 'default',
		background: 'granted',
	};
	it.each<[string, Partial<Abilities>, ReturnType<typeof obstacle>]>([
		['nothing in an installed app of a Chromium that has not been asked', {}, null],
		['nothing where it was allowed', { permission: 'granted' }, null],
		['the person’s own no', { permission: 'denied' }, 'denied'],
		['that it is not installed', { background: 'denied' }, 'install'],
		['a browser without periodic sync', { periodicSync: false, background: 'denied' }, 'browser'],
		['a browser without notifications', { notifications: false, permission: 'denied' }, 'browser'],
		['iOS, whatever it says it has', { ios: true }, 'ios'],
	])('%s', (_, change, wanted) => {
		expect(obstacle({ ...able, ...change })).toBe(wanted);
	});
});
