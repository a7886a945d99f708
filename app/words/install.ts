/** Labels of the offer to install. Apart, so that they load with it. */
export const install = {
	title: 'Keep Satchel at hand',
	body: 'Install it to open your connections like any other app, also offline.',
	button: 'Install',
	later: 'Not now',
	iosTitle: 'Add Satchel to your Home Screen',
	iosWhy:
		'Browsers here may delete what a site has stored after a week without use. They do not do so for an app on the Home Screen.',
	iosSteps: [
		'Tap Share.',
		'Tap Add to Home Screen.',
		'Open Satchel from the Home Screen and connect your providers there: the installed app has storage of its own.',
	],
};
