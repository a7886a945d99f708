import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { From, SessionView, WireError } from '../../sw/contract.js';
import { dropFragment, heldFragment, takeFragment } from '../fragment.js';
import { ErrorScreen } from '../parts/error.js';
import { JobPage } from '../parts/job-pages.js';
import { DoneMark, Missing, Outcome } from '../parts/outcome.js';
import { Opening, Screen } from '../parts/screen.js';
import { attempt, call, jobs, now, takeJob } from '../state.js';
import { progress } from '../words/progress.js';
import { session as w } from '../words/session.js';
import { words } from '../words.js';
import { NotFound } from './not-found.js';
import { Choose } from './session-choose.js';
import './session.css';

/** A session, from the link to the delivery. */
export function Session({ sid }: { sid: string }) {
	const [session, setSession] = useState<SessionView | null>(null);
	const [error, setError] = useState<WireError | null>(null);
	const [busy, setBusy] = useState(false);
	const chosen = useRef(0);

	const status = session?.job && (jobs.value[session.job.id] ?? session.job).status;
	const before = useRef(status);
	// What came of the work replaces its display, and is read from the start.
	useEffect(() => {
		if (status === 'done' && before.current === 'running') document.getElementById('main')?.focus();
		before.current = status;
	}, [status]);

	const open = useCallback(async () => {
		const view = await attempt(() => call('session.open', { sid, fragment: heldFragment(sid) }), setError);
		if (!view) return;
		dropFragment(sid);
		if (view.job) takeJob(view.job);
		setSession(view);
	}, [sid]);

	useEffect(() => {
		// The callback's path has the form of a session's; without a worker it is not this page's to answer.
		if (sid === 'callback') return;
		setSession(null);
		void open();
		// The same link pasted over this very page changes only the fragment, and loads nothing.
		const again = () => {
			takeFragment();
			if (heldFragment(sid)) void open();
		};
		window.addEventListener('hashchange', again);
		return () => window.removeEventListener('hashchange', again);
	}, [sid, open]);

	const until = session?.state === 'open' ? session.expiresAt : null;
	const idle = !session?.job;
	// The end is shown when it comes, not at the clock's next turn; what had the focus is gone then.
	useEffect(() => {
		if (until === null || until <= Date.now()) return;
		const timer = setInterval(() => {
			if (Date.now() < until) return;
			clearInterval(timer);
			now.value = Date.now();
			if (idle) document.getElementById('main')?.focus();
		}, 1_000);
		return () => clearInterval(timer);
	}, [until, idle]);

	if (sid === 'callback') return <NotFound />;
	if (error && !session) return <SessionError error={error} onRetry={open} />;
	if (!session) return <Opening text={w.opening} />;

	const job = session.job && (jobs.value[session.job.id] ?? session.job);
	if (job && (job.status === 'running' || job.status === 'waiting' || job.status === 'failed')) {
		const act = async (work: () => Promise<void>) => {
			setBusy(true);
			await attempt(work, setError);
			setBusy(false);
		};
		return (
			<JobPage
				job={job}
				title={progress.sending}
				busy={busy}
				onRetry={(without) => act(async () => takeJob(await call('job.retry', { id: job.id, without })))}
				onCancel={() =>
					act(async () => {
						await call('job.cancel', { id: job.id });
						setSession({ ...session, job: { ...job, status: 'cancelled' } });
						takeJob({ ...job, status: 'cancelled' });
					})
				}
			/>
		);
	}
	if (job?.status === 'done') {
		const after = session.afterwards === 'clear' ? w.cleared : session.afterwards === 'keep' ? w.kept : w.unchanged;
		return (
			<Screen title={w.sent} lead={after} narrow eyebrow={<DoneMark job={job} />}>
				<Missing job={job} now={now.value} />
				<Outcome job={job} now={now.value} />
				<div class="actions">
					<a class="button" href="/connections">
						{w.toConnections}
					</a>
				</div>
			</Screen>
		);
	}
	if (session.state !== 'open' || session.expiresAt <= now.value) {
		const code = session.state === 'sent' ? 'already_sent' : 'session_gone';
		return <SessionError error={{ code, correlationId: sid }} />;
	}
	if (job?.status === 'cancelled') {
		return (
			<Screen title={w.cancelledTitle} lead={w.cancelled} narrow>
				<div class="actions">
					<button type="button" class="button main" onClick={() => setSession({ ...session, job: null })}>
						{w.chooseAgain}
					</button>
				</div>
			</Screen>
		);
	}

	/** Shows the choice at once; the worker's answer to the newest choice is the truth. */
	const choose = async (change: Partial<Pick<SessionView, 'include' | 'from' | 'afterwards'>>) => {
		const next = { ...session, ...change };
		setSession(next);
		const turn = ++chosen.current;
		const { include, from, afterwards } = next;
		const view = await attempt(() => call('session.choose', { sid, include, from, afterwards }), setError);
		if (view && turn === chosen.current) setSession(view);
	};
	const send = async (include: string[], from: Record<string, From>) => {
		setBusy(true);
		const afterwards = session.afterwards ?? 'keep';
		const started = await attempt(() => call('session.send', { sid, include, from, afterwards }), setError);
		setBusy(false);
		if (!started) return;
		takeJob(started);
		setSession((before) => before && { ...before, job: started });
		scrollTo(0, 0);
		document.getElementById('main')?.focus({ preventScroll: true });
	};
	return <Choose session={session} error={error} busy={busy} onChoose={choose} onSend={send} />;
}

/** Errors that pass, where asking once more makes sense. */
const PASSING = new Set([
	'offline',
	'network',
	'timeout',
	'relay_error',
	'relay_unavailable',
	'rate_limited',
	'worker_silent',
	'internal',
]);

function SessionError({ error, onRetry }: { error: WireError; onRetry?: () => void }) {
	return (
		<ErrorScreen error={error}>
			{onRetry && PASSING.has(error.code) && (
				<button type="button" class="button main" onClick={onRetry}>
					{words.common.tryAgain}
				</button>
			)}
			<a class="button" href="/connections">
				{w.toConnections}
			</a>
		</ErrorScreen>
	);
}
