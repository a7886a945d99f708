/** Labels of sessions and of collecting. Apart, so that they load with them. */

export const session = {
	opening: 'Opening the session…',
	asks: (who: string) => `${who} asks for your health records`,
	somebody: 'Somebody',
	unverified: 'Unverified: nobody can check who made this link.',
	why: 'Why',
	whyNone: 'No reason was given. Go on only if you are sure who asks.',
	wants: 'Asks for',
	wantsAll: 'Everything that the chosen connections let it read',
	code: 'Match code',
	codeCheck: 'Check that your assistant shows the same code.',
	open: (time: string, left: string) => `Open until ${time} (${left})`,
	choose: 'Choose what to include',
	include: 'Include in this session',
	another: 'Connect Another Provider',
	emptyBody: 'You have no connections yet. Connect a provider and you come straight back here.',
	after: 'After sending',
	afterHint: 'What should happen to the connection you just made?',
	keep: 'Keep this connection for later',
	keepHint: 'Next time there is no need to sign in.',
	clear: 'Clear everything after sending',
	clearHint: 'The new connection is deleted from this browser. Connections kept earlier stay.',
	send: 'Send Selected to AI',
	sendHint: 'Encrypted for this assistant only.',
	reasonSelect: 'Choose at least one connection.',
	reasonAfter: 'Say what should happen after sending.',
	reasonOffline: 'You are offline.',
	sent: 'Data sent. You can close this window.',
	kept: 'The new connection is kept in this browser for later.',
	cleared: 'The new connection was cleared from this browser.',
	unchanged: 'Your saved connections stay in this browser, unchanged.',
	cancelled:
		'Nothing more is sent, and what was read has been deleted here. Parts that had left already are encrypted, and your assistant cannot open them.',
	cancelledTitle: 'Sending was cancelled',
	chooseAgain: 'Back to the selection',
	toConnections: 'Your connections',
};

export const chooseAll = {
	chosen: (count: string, of: string) => `${count} of ${of} chosen`,
	all: 'Choose all',
	none: 'Choose none',
};

export const collect = {
	title: 'Collect your records',
	lead: 'Satchel reads your records from the providers you choose and packs them into a zip file for this device. Nothing is sent anywhere.',
	include: 'Include',
	start: 'Collect Records',
	ready: 'Your records are ready',
	readyBody:
		'The zip holds your documents as files that you can open, and every record as data for other apps (NDJSON). Keep it somewhere safe: it is not encrypted.',
	download: 'Download Zip',
	discard: 'Delete this zip',
	emptyBody: 'There is nothing to collect from yet. Connect a provider first.',
	working: 'Collecting your records',
};
