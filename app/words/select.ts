/** Labels of the provider search. Apart, so that they load with it. */

export const select = {
	title: 'Find your health provider',
	lead: 'Search for the hospital, clinic or health plan whose patient portal you use.',
	search: 'Name or place',
	results: 'Providers',
	searching: 'Searching…',
	found: (shown: string, total: string) =>
		shown === total ? `${total} found` : `Showing ${shown} of ${total}; type more to narrow it down`,
	none: (text: string) => `Nothing matches “${text}”. Try a shorter name or the place.`,
	more: 'Show more',
	noneAtAll: 'The list of providers is empty.',
	otherTitle: 'Use another FHIR server',
	otherBody: 'For people who registered an app at a FHIR server themselves.',
	baseUrl: 'FHIR base URL',
	baseUrlHint: 'For example https://fhir.example.org/r4',
	clientId: 'Client ID',
	next: 'Continue',
	beforeTitle: 'Before you go',
	beforeLead: (name: string) => `You will sign in at ${name} itself. Satchel never sees your password.`,
	tip: (name: string) =>
		`If ${name} asks how long to allow access, choose the longest time offered. You will not have to come back as soon, and you can remove the connection here whenever you like.`,
	go: (name: string) => `Continue to ${name}`,
	checking: (name: string) => `Checking ${name}…`,
	other: 'Choose another provider',
	offlineSearch: 'You can look for a provider now. Signing in there needs the internet.',
	offline: 'You are offline. Signing in needs the internet.',
	backToSession: 'Back to the session',
	backToConnections: 'Back to your connections',
};
