export const backup = {
	title: 'Move to another browser',
};
