/** The list of connections before the first one. Apart, because most visits have one. */
export const noConnections = {
	title: 'No connections yet',
	body: 'Connect a patient portal once. Satchel keeps the connection, so that next time there is nothing to sign in to.',
};
