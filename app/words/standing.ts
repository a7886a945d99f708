/** What has to be said on whatever screen, seldom: a sign-in as somebody else, tokens not stored, a backup made. */
export const other = {
	title: 'Somebody else signed in',
	/** `name` is null where it could not be read. */
	body: (name: string | null, provider: string, owner: string | null) =>
		`You signed in at ${provider} as ${name ?? 'another patient'}, but this connection belongs to ${owner ?? 'somebody else'}. Nothing of it has changed.`,
	known: (name: string | null) => `${name ?? 'That patient'} has a connection here already; adding renews that one.`,
	wait: 'Choose within 15 minutes. After that, this sign-in ends by itself.',
	add: 'Add as another connection',
	renew: 'Renew that connection',
	cancel: 'Cancel',
	settling: { add: 'Adding it…', cancel: 'Ending that access…' },
};

export const unsaved = {
	title: 'Keep this tab open',
	body: 'Access to a provider was renewed, but this browser could not store it: it lasts as long as a Satchel tab is open. Satchel tries again every few seconds. It helps to free some space on this device. If all tabs are closed first, you may have to sign in at a provider again.',
};

export const paused = {
	title: 'Handed over to a backup',
	body: (since: string) =>
		`Since ${since} nothing is renewed here, because the connections were moved into a backup. Restore it in the other browser, and then forget them here.`,
	resume: 'Go on here',
	doing: { resume: 'Taking it back…', forget: 'Deleting everything here…' },
	resumeTitle: 'Go on in this browser?',
	resumeBody:
		'Do this only if the backup was not restored anywhere. The backup becomes useless; and where it was restored, providers would see the same access used in two places and end it.',
	forget: 'Forget here',
	forgetTitle: 'Forget everything in this browser?',
	forgetBody:
		'Connections, copies of records, settings and the activity log are deleted here. No access is ended: your connections live on where the backup was restored. If it was not restored yet, the backup file and its passphrase are all that is left of them.',
};

/** Work that goes on behind another screen. */
export const underWay = {
	send: 'Your records are being sent.',
	collect: 'Your records are being collected.',
	stopped: 'Reading your records has stopped.',
	show: 'Show how it goes',
};
