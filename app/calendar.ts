/**
 * A connection's end as a calendar file (RFC 5545). It loads when the first one is asked for. Nothing but the provider's
 * name, the day and a link to the app goes into it.
 */
import ical, { ICalAlarmType, ICalCalendarMethod, ICalEventTransparency } from 'ical-generator';
import type { ConnectionView } from '../sw/contract.js';
import { event as w } from './words/reminders.js';

const HOUR_S = 60 * 60;
const DAY_S = 24 * HOUR_S;
/** Days before the end, at nine in the morning. */
const ALARMS = [7, 1];

/**
 * A day-long event on the day of the end, by this device's calendar, that keeps nobody's time busy. Its UID stays the same
 * and its SEQUENCE grows, so that importing a later file moves the event instead of adding one (RFC 5546, section 2.1.5).
 * @param at the end, milliseconds since the epoch
 * @param link where the app is
 */
export function endAsCalendar(
	{ id, providerName }: Pick<ConnectionView, 'id' | 'providerName'>,
	at: number,
	link: string,
	now: number,
): string {
	const calendar = ical({
		prodId: { company: 'Satchel', product: 'Satchel', language: 'EN' },
		method: ICalCalendarMethod.PUBLISH,
	});
	const day = new Date(at);
	const event = calendar.createEvent({
		id: `${id}@satchel`,
		sequence: Math.floor(now / 1000 / 60),
		stamp: new Date(now),
		allDay: true,
		// The library writes a date without a time as it is in UTC.
		start: new Date(Date.UTC(day.getFullYear(), day.getMonth(), day.getDate())),
		summary: w.summary(providerName),
		description: w.description(link),
		url: link,
		transparency: ICalEventTransparency.TRANSPARENT,
	});
	const midnight = new Date(at).setHours(0, 0, 0, 0);
	for (const days of ALARMS) {
		const before = days * DAY_S - 9 * HOUR_S;
		// One that is over already would ring as soon as the file is imported.
		if (midnight - before * 1000 <= now) continue;
		event.createAlarm({ type: ICalAlarmType.display, triggerBefore: before, description: w.summary(providerName) });
	}
	return calendar.toString();
}
