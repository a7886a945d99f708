/** The settings screen itself; each of its sections brings its own words. */
export const settings = {
	title: 'Settings',
	lead: 'All of this is kept in this browser only.',
	activity: 'Activity',
};
