/** The settings screen itself; each of its sections brings its own words. */
export const settings = {
	title: 'Settings',
	lead: 'What you choose here is kept in this browser only.',
	activity: 'Activity',
	activityBody: 'What happened in this wallet and when: what was connected, checked, sent to whom, and removed.',
	activityLink: 'See the activity',
};
