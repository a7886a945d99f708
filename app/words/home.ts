/** Labels of the start page. Apart, so that they load with it. */
export const home = {
	title: 'Your health records, carried by you',
	lead: 'Satchel connects this browser to your patient portals, keeps the connections, and hands your records to an AI assistant when you say so.',
	points: [
		[
			'Stays with you',
			'Connections are stored encrypted in this browser. There is no account, and no server can read your records.',
		],
		[
			'Sealed end to end',
			'Records are encrypted here for the one assistant that asked. What carries them cannot read them.',
		],
		[
			'Nothing by itself',
			'You see who asks and why, you choose what to include, and nothing is sent before you press send.',
		],
	] as const,
	open: 'My connections',
	linkTitle: 'Did an AI assistant give you a link?',
	linkBody: 'Open it in this browser, or paste it here.',
	linkLabel: 'Session link',
	linkOpen: 'Open link',
	linkBad: 'This is not a session link. It looks like the address of this page, followed by /connect/ and a long code.',
	skillBody: 'An assistant that does not know Satchel yet can learn to ask:',
	skillLink: 'instructions for assistants (zip)',
	collectTitle: 'Want a copy for yourself?',
	collectBody: 'Collect your records into a zip file on this device.',
	collectLink: 'Collect records',
};
