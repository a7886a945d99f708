/**
 * A week with four connections at one provider, whose clock is right, and a laptop whose clock is not always: what the card of
 * each says at each step.
 */
import { expect, test, vi } from 'vitest';
import { expiryWords, sinceWords } from '../../../app/words/dates.js';
import { connections as labels } from '../../../app/words/labels.js';
import { json, kill, network, setOnline } from '../setup.js';
import { connection } from './support.js';

process.env.TZ = 'UTC';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const at = (text: string) => Date.parse(`2026-${text}:00Z`);
const START = at('12-05T09:00');
const ROLLING_END = START + 5 * DAY;

const NAMES = ['rolling', 'indefinite', 'endless', 'silent'] as const;
type Name = (typeof NAMES)[number];

/** What the token endpoint says of the end, at the provider's time. */
const TELLS: Record<Name, (time: number) => object> = {
	rolling: (time) => ({ refresh_expires_in: (ROLLING_END - time) / 1000 }),
	indefinite: () => ({ refresh_expires_in: (90 * DAY) / 1000 }),
	endless: () => ({ refresh_expires_in: 0 }),
	silent: () => ({}),
};

/** The true time, and how far the laptop's clock is off. */
let time = START;
let off = 0;
let outage = false;
let requests: Name[] = [];

function setTime(text: string, wrong = 0): void {
	time = at(text);
	off = wrong;
	vi.setSystemTime(time + off);
}

/** Each refresh token is good for one use. */
function provider() {
	const current = new Map<Name, number>(NAMES.map((name) => [name, 0]));
	network(async (request) => {
		const [name, n] = (new URLSearchParams(await request.text()).get('refresh_token') ?? '').split('#') as [
			Name,
			string,
		];
		requests.push(name);
		const headers = { Date: new Date(time).toUTCString() };
		if (outage) return new Response('<h1>Maintenance</h1>', { status: 503, headers });
		const valid = Number(n) === current.get(name) && !(name === 'rolling' && time >= ROLLING_END);
		if (!valid) return json({ error: 'invalid_grant' }, { status: 400, headers });
		current.set(name, Number(n) + 1);
		const tokens = { access_token: `at-${n}`, refresh_token: `${name}#${Number(n) + 1}`, token_type: 'Bearer' };
		return json({ ...tokens, expires_in: 3600, ...TELLS[name](time) }, { headers });
	});
}

/** A page load: perhaps a new worker, then everything that is due. @returns which connections were asked about */
async function open(): Promise<Name[]> {
	kill();
	requests = [];
	const { tend } = await import('../../../sw/wallet/tend.js');
	await tend();
	return requests.sort();
}

/** `Intl` puts a narrow no-break space before AM and PM. */
const plain = (text: string) => text.replace(/[\u00a0\u202f]/g, ' ');

/** What the card says: its status, its end, and what went wrong. */
async function cards(): Promise<Record<Name, string[]>> {
	const { getConnection, viewConnection } = await import('../../../sw/wallet/connections.js');
	const now = Date.now();
	const said = NAMES.map(async (name) => {
		const row = await getConnection(name);
		if (!row) throw new Error(`${name} is gone`);
		const view = viewConnection(row, now, false);
		const problem = view.problem ? [labels.problem(sinceWords(view.problem.since, now, 'en-US'))] : [];
		return [name, [view.status, expiryWords(view, now, 'en-US'), ...problem].map(plain)] as const;
	});
	return Object.fromEntries(await Promise.all(said)) as Record<Name, string[]>;
}

/** All but the rolling one: they stay as they are the whole week. */
const others = (until: string, ...problem: string[]) => ({
	indefinite: ['active', `No expiry set, as long as it is used before ${until}`, ...problem],
	endless: ['active', 'No expiry set', ...problem],
	silent: ['active', 'Expiry not told by this provider', ...problem],
});

async function begin(): Promise<void> {
	vi.useFakeTimers({ toFake: ['Date'], now: START });
	vi.spyOn(Math, 'random').mockReturnValue(0);
	setTime('12-05T09:00');
	outage = false;
	provider();
	const { addConnection } = await import('../../../sw/wallet/connections.js');
	for (const name of NAMES) {
		await addConnection(
			connection({ id: name, refreshToken: `${name}#0`, connectedAt: START, lastRefreshedAt: START - DAY }),
		);
	}
	await open();
}

test('a week: every status and every sentence, through an outage, two days asleep, clocks that jump, and an end', async () => {
	await begin();
	// Told once, an end that moves cannot be told from one that stays.
	expect(await cards()).toEqual({
		...others(''),
		rolling: ['active', 'Expires Dec 10 (5 days left)'],
		indefinite: ['active', 'Expires Mar 5, 2027 (90 days left)'],
	});

	setTime('12-05T09:40');
	expect(await open()).toEqual([]);
	setTime('12-05T11:00');
	expect(await open()).toEqual([...NAMES].sort());
	expect(await cards()).toEqual({ rolling: ['active', 'Expires Dec 10 (5 days left)'], ...others('Mar 5, 2027') });

	// The provider is out for a whole day.
	outage = true;
	setTime('12-06T09:00');
	await open();
	const since = 'Could not be checked, since 9:00 AM.';
	expect(await cards()).toEqual({
		rolling: ['active', 'Expires Dec 10 (4 days left)', since],
		...others('Mar 5, 2027', since),
	});
	// Somebody who loads the page every five minutes for two hours asks less and less often.
	const asked: string[] = [];
	for (let minute = 5; minute <= 120; minute += 5) {
		setTime(new Date(at('12-06T09:00') + minute * 60_000).toISOString().slice(5, 16));
		if ((await open()).includes('rolling')) asked.push(`${minute}`);
	}
	expect(asked).toEqual(['5', '10', '20', '40', '80']);
	setTime('12-06T23:00');
	await open();
	expect(await cards()).toEqual({
		rolling: ['active', 'Expires Dec 10 (4 days left)', since],
		...others('Mar 5, 2027', since),
	});
	setTime('12-07T08:30');
	await open();
	const longer = 'Could not be checked, since Dec 6.';
	expect(await cards()).toEqual({
		rolling: ['active', 'Expires Dec 10 (3 days left)', longer],
		...others('Mar 5, 2027', longer),
	});
	outage = false;
	setTime('12-07T09:45');
	expect(await open()).toEqual([...NAMES].sort());
	expect(await cards()).toEqual({ rolling: ['active', 'Expires Dec 10 (3 days left)'], ...others('Mar 7, 2027') });

	// The laptop is asleep for two days, and wakes before its network does.
	setOnline(false);
	setTime('12-09T10:00');
	await open();
	const waking = 'Could not be checked, since 10:00 AM.';
	expect(await cards()).toEqual({
		rolling: ['active', 'Expires tomorrow at 9:00 AM', waking],
		...others('Mar 7, 2027', waking),
	});
	setOnline(true);
	expect(await open()).toEqual([...NAMES].sort());
	expect(await cards()).toEqual({ rolling: ['active', 'Expires tomorrow at 9:00 AM'], ...others('Mar 9, 2027') });

	// Its clock goes ahead by a day. Until the provider is asked, the page can only go by it.
	setTime('12-09T12:00', DAY);
	expect((await cards()).rolling).toEqual(['active', 'Was due to expire Dec 10']);
	expect(await open()).toEqual([...NAMES].sort());
	expect(await cards()).toEqual({ rolling: ['active', 'Expires tomorrow at 9:00 AM'], ...others('Mar 10, 2027') });
	// A failure that is noted by the wrong clock …
	outage = true;
	setTime('12-09T13:30', DAY);
	await open();
	const wrong = 'Could not be checked, since 1:30 PM.';
	expect(await cards()).toEqual({
		rolling: ['active', 'Expires tomorrow at 9:00 AM', wrong],
		...others('Mar 10, 2027', wrong),
	});
	// … keeps nobody waiting when it is set right.
	outage = false;
	setTime('12-09T14:00');
	expect(await open()).toEqual([...NAMES].sort());
	expect(await cards()).toEqual({ rolling: ['active', 'Expires tomorrow at 9:00 AM'], ...others('Mar 9, 2027') });

	// It goes back by a day: what was tested in the future is tested again.
	setTime('12-09T14:10', -DAY);
	expect(await open()).toEqual([...NAMES].sort());
	expect(await cards()).toEqual({ rolling: ['active', 'Expires tomorrow at 9:00 AM'], ...others('Mar 8, 2027') });
	setTime('12-09T16:00');
	await open();
	expect(await cards()).toEqual({ rolling: ['active', 'Expires tomorrow at 9:00 AM'], ...others('Mar 9, 2027') });

	// The end.
	setTime('12-10T10:00');
	expect(await open()).toEqual([...NAMES].sort());
	expect(await cards()).toEqual({ rolling: ['expired', 'Expired Dec 10'], ...others('Mar 10, 2027') });
	setTime('12-12T10:00');
	expect(await open()).toEqual(NAMES.filter((name) => name !== 'rolling').sort());
	expect(await cards()).toEqual({ rolling: ['expired', 'Expired Dec 10'], ...others('Mar 12, 2027') });
});

test.each(['rolling', 'indefinite'] as const)(
	'the %s connection keeps its kind when the clock jumps between any two refreshes',
	async (name) => {
		for (const jump of [DAY, -DAY]) {
			await begin();
			kill();
			setTime('12-05T11:00', jump);
			await open();
			setTime('12-05T13:00');
			await open();
			const expected =
				name === 'rolling' ? 'Expires Dec 10 (5 days left)' : 'No expiry set, as long as it is used before Mar 5, 2027';
			expect((await cards())[name]).toEqual(['active', expected]);
			const { listConnections, deleteConnection } = await import('../../../sw/wallet/connections.js');
			for (const { id } of await listConnections()) await deleteConnection(id);
		}
	},
);
