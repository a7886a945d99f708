/** What stands beside the sentences of an error. */
export const error = {
	reference: (id: string) => `Reference ${id}`,
	retryAt: (time: string) => `Try again after ${time}.`,
};
