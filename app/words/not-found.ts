/** An address that leads nowhere. */
export const notFound = {
	title: 'There is nothing at this address',
	body: 'The link may be old or mistyped.',
	link: 'Go to the start',
};
