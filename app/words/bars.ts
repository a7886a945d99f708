/** Labels of the bars above every screen. Apart, as most visits see none. */
export const bars = {
	offline: 'You are offline. What is stored here can still be reviewed, and being offline ends no connection.',
	updateReady: 'A new version is ready.',
	updating: 'Updating, once what is under way allows it…',
};
