/** What came of a trip to a provider. Apart, so that it loads with the first notice. */
export const notices = {
	connected: (name: string) => `${name} is connected.`,
	reauthorized: (name: string) => `${name} is authorized again.`,
	provider: 'The provider',
	errorAt: (name: string, title: string) => `${name}: ${title}`,
};
