/** Fixed labels and short sentences of the shell and of the screens that are there from the start. */

export const common = {
	name: 'Satchel',
	skip: 'Skip to content',
	home: 'Home',
	connections: 'Connections',
	collect: 'Collect',
	settings: 'Settings',
	cancel: 'Cancel',
	tryAgain: 'Try again',
	reload: 'Reload',
	failed: { title: 'Something went wrong', body: 'Reload this page, and try again.' },
	opening: 'Opening your satchel…',
	offline: 'You are offline. What is stored here can still be reviewed, and being offline ends no connection.',
	updateReady: 'A new version is ready.',
	dismiss: 'Dismiss',
	navigation: 'Main',
	footer: 'Your records pass from your provider through this browser, and nowhere else unless you send them.',
	reference: (id: string) => `Reference ${id}`,
	retryAt: (time: string) => `Try again after ${time}.`,
};

export const connections = {
	title: 'Your connections',
	stored: 'Connections are stored in this browser only.',
	connect: 'Connect a Health Provider',
	clear: 'Clear All Connections',
	clearTitle: 'Clear all connections?',
	clearBody:
		'Access is ended at every provider that allows it, and all connections are deleted from this browser. You can connect again at any time.',
	emptyTitle: 'No connections yet',
	emptyBody:
		'Connect a patient portal once. Satchel keeps the connection, so that next time there is nothing to sign in to.',
	patientUnknown: 'Patient details could not be read',
	unnamed: 'Name not given',
	born: (date: string) => `Born ${date}`,
	connected: (ago: string) => `Connected ${ago}`,
	refreshed: (ago: string) => `Last refreshed ${ago}`,
	status: 'Status:',
	active: 'Active',
	expired: 'Connection expired',
	unchecked: 'Could not be checked',
	refreshing: 'Checking…',
	problem: (since: string) => `Could not be checked, since ${since}.`,
	refresh: 'Refresh Now',
	remove: 'Remove',
	reauthorize: 'Re-authorize',
	removeTitle: (name: string) => `Remove ${name}?`,
	removeBody: 'Access is ended at the provider where it allows that, and the connection is deleted from this browser.',
	going: 'Going to the provider…',
	removed: (name: string) => `${name} was removed.`,
	cleared: 'All connections were cleared.',
	checked: (name: string) => `${name} was checked just now.`,
};

export const notFound = {
	title: 'There is nothing at this address',
	body: 'The link may be old or mistyped.',
	link: 'Go to the start',
};
