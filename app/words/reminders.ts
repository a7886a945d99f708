/** Reminders: their section of the settings, the notification, and what goes into a calendar. */
import type { Obstacle } from '../obstacle.js';

export const reminders = {
	title: 'Reminders',
	lead: 'Satchel has no server that could write to you. These work without one.',

	badgeTitle: 'A number on the app’s icon',
	badge: 'Shows how many connections have expired or end within a week. It needs no setting.',
	badgeLocked: 'While Satchel is locked, it stays as it was.',
	badgeUnsupported: 'This browser shows no numbers on icons.',
	badgeInstall: 'It appears once Satchel is installed as an app.',
	/** iOS and iPadOS, where the badge is part of the notifications. */
	badgeIos: 'On iPhone and iPad it appears once Satchel is on the home screen and notifications are allowed for it.',
	badgeAllow: 'Allow the number',

	notifyTitle: 'A notification',
	notify:
		'Now and then, at most every twelve hours, the browser lets Satchel check its connections in the background. You are notified when one has expired or ends within a week. No provider is named in it.',
	notifyRare: 'How often that happens is up to the browser, and it may be less than once a day.',
	notifyLocked: 'It pauses while Satchel is locked: nothing can be checked then.',
	notifyOn: 'Notifications are on.',
	notifyStopped: 'Notifications were turned on, but this browser no longer checks in the background.',
	turnOn: 'Turn on notifications',
	turnOff: 'Turn off notifications',
	obstacles: {
		browser: 'This browser cannot check in the background. Chrome and Edge can, once Satchel is installed as an app.',
		ios: 'No browser on iPhone and iPad can check in the background. A calendar entry works there.',
		install:
			'It works only where Satchel is installed as an app, and the browser allows it to check in the background.',
		denied: 'Notifications from Satchel are blocked. The browser’s settings for this site can allow them again.',
	} satisfies Record<Obstacle, string>,

	calendarTitle: 'A calendar entry',
	calendar:
		'Saves a file that your calendar opens: the day on which access ends, with alarms a week and a day before. The name of the provider goes into your calendar, where everybody who sees it can read it; no record does.',
	calendarAgain: 'After signing in again, save it once more: it takes the place of the old entry.',
	calendarNone: 'No connection has a fixed end that is known.',
	save: 'Save for calendar',
	saveFor: (name: string) => `Save the end of ${name} for the calendar`,
	saved: (name: string) => `The calendar file for ${name} was saved. Open it to add the entry.`,
	fileName: 'satchel-access-ends.ics',
};

/** Shown by the system, possibly on a locked screen: nothing about whose or which. */
export const notification = {
	title: 'A connection needs your attention',
	body: 'Its access has ended or ends soon. Open Satchel to see what to do.',
};

export const event = {
	summary: (name: string) => `Access to ${name} ends`,
	description: (link: string) => `Satchel’s access to this provider ends. Sign in there again to keep it: ${link}`,
};
