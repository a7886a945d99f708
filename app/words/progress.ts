/** Labels of the work under way and of what came of it. Apart, so that they load with it. */
export const progress = {
	sending: 'Sending your records',
	keepOpen: 'Keep this page open. If it closes, the work goes on from where it stopped when you come back.',
	refreshing: 'Checking access',
	fetching: 'Fetching records',
	encrypting: 'Encrypting',
	sendingStep: 'Sending',
	packing: 'Packing',
	storing: 'Storing',
	stepState: { todo: 'not started', active: 'under way', done: 'done', failed: 'stopped' },
	overall: 'Overall progress',
	/** Beneath the big number. */
	records: (count: number) => (count === 1 ? 'record' : 'records'),
	read: 'read',
	sentOf: (all: string) => `sent of ${all}`,
	elapsed: 'so far',
	stopped: 'until it stopped',
	recordsBytes: (records: string, bytes: string) => `${records}, ${bytes}`,
	inTime: (records: string, bytes: string, time: string) => `${records}, ${bytes}, in ${time}`,
	summary: (step: string, records: string, bytes: string, time: string) =>
		`${step}. ${records}, ${bytes}, after ${time}.`,
	slow: (kind: string, time: string) => `${kind}: waiting ${time} for an answer`,
	slowAt: (kind: string, source: string, time: string) => `${kind} at ${source}: waiting ${time} for an answer`,
	slowMore: (count: number) => (count === 1 ? 'One more kind is slow.' : `${count} more kinds are slow.`),
	slowSaid: (kind: string) => ` ${kind}: the answer is slow.`,
	waiting: 'Paused. It goes on by itself.',
	waitingUntil: (time: string) => `Paused. It goes on by itself at ${time}.`,
	failed: 'This did not work',
	sourceStep: {
		waiting: 'Not started',
		refreshing: 'Checking access',
		fetching: 'Fetching',
		encrypting: 'Encrypting',
		sending: 'Sending',
		done: 'Done',
		failed: 'Stopped',
	},
	fromCopy: (ago: string) => `From the copy on this device, read ${ago}`,
	partial: (count: string) => `${count}, some could not be read`,
	refused: 'Not given out',
	kindFailed: 'Could not be read',
	loading: (count: string) => `${count}…`,
	loadingOf: (count: string, of: string) => `${count} of ${of}`,
	keptFrom: (count: string, ago: string) => `${count}, from ${ago}`,
	asking: (kinds: string) => `Still asking for: ${kinds}`,
	nothingUnder: (kinds: string) => `Nothing under: ${kinds}`,
	unreadTitle: 'What could not be read',
	readTitle: 'What was read',
	unread: (kind: string) => `${kind} could not be read`,
	unreadSome: (kind: string) => `Some ${lower(kind)} could not be read`,
	unreadKept: (kind: string, ago: string) => `${kind} could not be read now; those of ${ago} were used`,
	/** Of a copy: when it was brought up to date. */
	copyKept: (kind: string, ago: string) => `${kind} are those of ${ago}; they could not be read since`,
	nothingRead: 'Nothing was read.',
	endRead: (records: string) => `${records} were read.`,
	endAll: 'Everything that was asked for could be read.',
	endUnread: (count: number) =>
		count === 1
			? 'One kind of records could not be read completely.'
			: `${count} kinds of records could not be read completely.`,
	unreadCount: (count: number) => (count === 1 ? '1 kind not read' : `${count} kinds not read`),
	technical: 'Technical details',
	columns: ['Kind', 'Count', 'Size', 'Time'],
	codes: 'Reason',
	requests: (count: number, requests: string) => (count === 1 ? '1 request' : `${requests} requests`),
	timeHint: 'The times add up to more than the whole, because several requests are out at once.',
};

/** Inside a sentence; a name like "NutritionOrder" keeps its capitals. */
function lower(kind: string): string {
	return kind.charAt(0).toLowerCase() + kind.slice(1);
}
