/** Removing connections: what is asked before, and said after. Apart, so that it loads with the first question. */
export const leave = {
	clearTitle: 'Clear all connections?',
	clearBody:
		'Access is ended at every provider that allows it, and all connections are deleted from this browser. You can connect again at any time.',
	removeTitle: (name: string) => `Remove ${name}?`,
	removeBody: 'Access is ended at the provider where it allows that, and the connection is deleted from this browser.',
	removing: (name: string) => `Removing ${name}…`,
	removed: (name: string) => `${name} was removed.`,
	clearing: 'Clearing all connections and ending access…',
	cleared: 'All connections were cleared.',
	open: (names: string) =>
		`${names} did not confirm that access has ended. You can end it there yourself, in the settings of the patient portal.`,
	copyToo: 'The copy of the records on this device is deleted with it.',
	copiesToo: 'The copies of records on this device are deleted as well.',
	/** Once more than access that goes on elsewhere is ended with it. */
	movedBody:
		'They were handed over to a backup: where it was restored, access ends as well. To delete them here alone, choose “Forget here” above.',
};
