/** The lock: its section of the settings, and the screen of a locked wallet. */
export const lock = {
	title: 'Lock',
	lockedTitle: 'Satchel is locked',
};
