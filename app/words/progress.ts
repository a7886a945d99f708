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
	recordsOf: (all: string) => `records of about ${all}`,
	sent: 'sent',
	elapsed: 'so far',
	stopped: 'until it stopped',
	recordsBytes: (records: string, bytes: string) => `${records}, ${bytes}`,
	inTime: (records: string, bytes: string, time: string) => `${records}, ${bytes}, in ${time}`,
	/** How it stands, for those who do not see it: nothing that is out of date in a moment. */
	summary: (step: string, read: string | null) => (read ? `${step}. ${read}.` : `${step}.`),
	slow: (kind: string, time: string) => `${kind}: waiting ${time} for an answer`,
	slowAt: (kind: string, source: string, time: string) => `${kind} at ${source}: waiting ${time} for an answer`,
	slowMore: (count: number) => (count === 1 ? 'One more kind is slow.' : `${count} more kinds are slow.`),
	slowSaid: (kind: string) => ` ${kind}: the answer is slow.`,
	asked: (source: string) => `${source} asks us to wait a little. It goes on by itself.`,
	pausedAt: (source: string, why: string) => `${source}: ${lower(why)}.`,
	waiting: 'Paused. It goes on by itself.',
	waitingSoon: 'Paused. It goes on by itself in less than a minute.',
	waitingUntil: (time: string) => `Paused. It goes on by itself at ${time}.`,
	/** Names in a sentence. */
	names: (sources: { name: string }[], locale: string) =>
		new Intl.ListFormat(locale).format(sources.map(({ name }) => name)),
	useCopy: (sources: string) =>
		`A copy of the records of ${sources} is on this device: cancel, and choose “Use the copy” instead of “Fetch now”.`,
	failed: 'This did not work',
	failedAt: (sources: string) => `${sources} could not be read`,
	others: 'What the others gave is kept. Try again, or go on without it.',
	without: {
		send: (sources: string) => `Send without ${sources}`,
		collect: (sources: string) => `Go on without ${sources}`,
		keep: (sources: string) => `Go on without ${sources}`,
	},
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
	missingTitle: 'Not everything could be read',
	missingMore: (count: number) => (count === 1 ? 'and one more' : `and ${count} more`),
	missingHint: 'This does not mean that there is nothing. What was read is listed below.',
	missingAt: (what: string, source: string) => `${what} at ${source} could not be read`,
	missingSome: (what: string, source: string) => `Some ${lower(what)} at ${source} could not be read`,
	missingKept: (what: string, source: string, ago: string) => `${what} at ${source} are from ${ago}`,
	missingRefused: (what: string, source: string) => `${source} does not give out: ${what}`,
	leftOut: (source: string) => `${source} was left out`,
	leftPart: (source: string) => `${source} was read only in part`,
	leftBody: 'It could not be read, and the work went on without it.',
	nothingRead: 'Nothing was read.',
	endRead: (records: string) => `${records} were read.`,
	endAll: 'Everything that was asked for could be read.',
	endLeft: (sources: string) => `${sources} could not be read and was left out.`,
	endUnread: (count: number) =>
		count === 1
			? 'One kind of records could not be read completely.'
			: `${count} kinds of records could not be read completely.`,
	unreadCount: (count: number) => (count === 1 ? '1 kind not read' : `${count} kinds not read`),
	technical: 'Technical details',
	columns: ['Kind', 'Count', 'Size', 'Time'],
	requests: (count: number, requests: string) => (count === 1 ? '1 request' : `${requests} requests`),
	timeHint: 'The times add up to more than the whole, because several requests are out at once.',
};

/** Inside a sentence; a name like "NutritionOrder" keeps its capitals. */
function lower(kind: string): string {
	return kind.charAt(0).toLowerCase() + kind.slice(1);
}
