import { useEffect, useState } from 'preact/hooks';
import { ErrorBoundary, lazy } from 'preact-iso';
import {
	type ConnectionView,
	type CopyDetail,
	isUnread,
	type JobView,
	type SyncEntry,
	type WireError,
} from '../../sw/contract.js';
import { ErrorBox, ErrorScreen } from '../parts/error.js';
import { errorWords } from '../parts/error-words.js';
import { Icon } from '../parts/icons.js';
import { Patient } from '../parts/patient.js';
import { Opening, Screen } from '../parts/screen.js';
import { jobTotals, keepJobOf } from '../progress.js';
import { attempt, call, connections, jobs, now, online, overview, takeJob } from '../state.js';
import { useTrip } from '../trip.js';
import { bytesWords, countWords, recordsWords } from '../words/amounts.js';
import { copyLacks, effortWords, readingWords, copies as w } from '../words/copies.js';
import { agoWords, timeWords } from '../words/dates.js';
import { kindWords } from '../words/kinds.js';
import { reasonsWords } from '../words/reasons.js';
import { locale } from '../words.js';
import './records.css';

const Confirm = lazy(() => import('../parts/confirm.js').then((part) => part.Confirm));

const ago = (at: number) => agoWords(at, now.value, locale);

type Kind = CopyDetail['kinds'][number];

/** What is kept on this device of one connection. */
export function Records({ id }: { id: string }) {
	const connection = connections.value.find((one) => one.id === id);
	if (!overview.value) return <Opening />;
	if (!connection)
		return (
			<ErrorScreen error={{ code: 'connection_unknown', correlationId: '' }}>
				<a class="button" href="/connections">
					{w.back}
				</a>
			</ErrorScreen>
		);
	return <Kept key={id} connection={connection} job={keepJobOf(id, overview.value.jobs, jobs.value)} />;
}

/** What is known of the copy. Each reading that ends leaves another history, also one that failed. */
function useDetail(
	{ id, keep, copy }: ConnectionView,
	job: JobView | undefined,
	onError: (error: WireError | null) => void,
) {
	const [detail, setDetail] = useState<CopyDetail | null>(null);
	// Told anew when a reading has ended and its history is written, also for one that was over before it was seen under way.
	const told = overview.value?.revision;
	useEffect(() => {
		let stale = false;
		attempt(
			() => call('copy.get', { id }),
			(problem) => stale || onError(problem),
		).then((reply) => !stale && reply && setDetail(reply));
		return () => {
			stale = true;
		};
	}, [id, keep, copy?.at, job?.id, told]);
	return detail;
}

function Kept({ connection, job }: { connection: ConnectionView; job: JobView | undefined }) {
	const { id, copy, status } = connection;
	const [error, setError] = useState<WireError | null>(null);
	const [busy, setBusy] = useState(false);
	const [asking, setAsking] = useState(false);
	const [said, say] = useState('');
	const detail = useDetail(connection, job, setError);

	const act = async (work: () => Promise<unknown>, doing = '', done = '') => {
		if (busy) return;
		setBusy(true);
		say(doing);
		const worked = await attempt(async () => {
			await work();
			return true;
		}, setError);
		say(worked ? done : '');
		setBusy(false);
	};
	const turn = (on: boolean) => {
		setAsking(false);
		void act(() => call('copy.keep', { id, on }), on ? '' : w.dropping, on ? '' : copy ? w.dropped : w.droppedNone);
	};

	return (
		<Screen
			title={w.title}
			lead={connection.providerName}
			narrow
			eyebrow={
				<a class="back" href="/connections">
					<Icon name="back" />
					{w.back}
				</a>
			}
		>
			{error && <ErrorBox error={error} />}
			<section class="card">
				<Patient patient={connection.patient} />
				<Status connection={connection} kinds={detail?.kinds ?? []} reading={job !== undefined} />
				{job && <Reading job={job} first={!copy} onStop={() => act(() => call('job.cancel', { id: job.id }))} />}
				<Obstacle connection={connection} />
				<p class={said ? 'quiet' : 'hidden'} role="status">
					{said}
				</p>
				<Actions
					connection={connection}
					reading={job !== undefined}
					busy={busy}
					onKeep={() => turn(true)}
					onUpdate={() => act(async () => takeJob(await call('copy.update', { id })))}
					// What can be read again any time needs no question.
					onDrop={() => (status === 'expired' && copy ? setAsking(true) : turn(false))}
				/>
			</section>
			{!detail ? !error && <Opening text={w.opening} /> : <Detail detail={detail} />}
			<ErrorBoundary>
				{asking && (
					<Confirm
						title={w.dropTitle}
						body={w.dropBody}
						action={w.drop}
						onYes={() => turn(false)}
						onNo={() => setAsking(false)}
					/>
				)}
			</ErrorBoundary>
		</Screen>
	);
}

/** What is kept, or would be. */
function Status(props: { connection: ConnectionView; kinds: Kind[]; reading: boolean }) {
	const { keep, copy, status } = props.connection;
	if (!keep)
		return (
			<>
				<p>{w.off}</p>
				<ul class="plain-list">
					{w.points.map((point) => (
						<li key={point}>{point}</li>
					))}
				</ul>
			</>
		);
	if (copy)
		return (
			<p>
				<span class="strong amount-kept">
					{w.holds(recordsWords(copy.resources, locale), bytesWords(copy.bytes, locale))}
				</span>
				<span class={copy.unread > 0 ? 'lacking' : 'quiet'}>
					{w.read(ago(copy.at), copyLacks(props.kinds, copy.at, now.value, locale))}
				</span>
				<span class="quiet small where">{w.where}</span>
			</p>
		);
	if (props.reading) return null;
	return (
		<>
			<p class="strong">{w.none}</p>
			{status === 'active' && <p class="quiet">{w.noneBody}</p>}
		</>
	);
}

function Actions(props: {
	connection: ConnectionView;
	reading: boolean;
	busy: boolean;
	onKeep(): void;
	onUpdate(): void;
	onDrop(): void;
}) {
	const { busy } = props;
	const { keep, copy, status } = props.connection;
	const active = status === 'active';
	if (!keep)
		return (
			<div class="actions">
				<button
					type="button"
					class="button main"
					aria-disabled={busy || !active}
					onClick={() => active && props.onKeep()}
				>
					{w.keep}
				</button>
			</div>
		);
	return (
		<div class="actions">
			{!props.reading && active && (
				<button type="button" class="button main" disabled={busy || !online.value} onClick={props.onUpdate}>
					{w.updateNow}
				</button>
			)}
			<button type="button" class="button plain" aria-disabled={busy} onClick={props.onDrop}>
				{copy ? w.drop : w.dropNone}
			</button>
		</div>
	);
}

/** A reading under way, in passing: nothing here waits for it. */
function Reading({ job, first, onStop }: { job: JobView; first: boolean; onStop(): void }) {
	const { resources } = jobTotals(job);
	return (
		<div class="reading">
			<p role="status">{job.status === 'waiting' ? w.paused : first ? w.first : w.updating}</p>
			<p class="quiet small">
				{resources > 0 && w.soFar(recordsWords(resources, locale))}
				{job.status === 'waiting' && job.error && ` ${errorWords(job.error.code)?.title ?? ''}.`}
			</p>
			<button type="button" class="button" onClick={onStop}>
				{w.stop}
			</button>
		</div>
	);
}

/** Why the copy cannot be brought up to date now, and what helps. */
function Obstacle({ connection }: { connection: ConnectionView }) {
	const { id, status, keep, copy } = connection;
	const trip = useTrip();
	if (status === 'expired')
		return (
			<div class="box warn">
				<Icon name="alert" />
				<div>
					<p>{copy ? w.expired : w.expiredNone}</p>
					{trip.error && <ErrorBox error={trip.error} />}
					<div class="actions">
						<button
							type="button"
							class="button"
							disabled={!online.value || trip.going !== null}
							onClick={() => trip.go({ kind: 'reauthorize', connectionId: id }, `/connections/${id}`, null)}
						>
							{w.reauthorize}
						</button>
					</div>
				</div>
			</div>
		);
	return keep && copy && !online.value ? <p class="quiet">{w.offline}</p> : null;
}

function Detail({ detail: { copy, kinds, history } }: { detail: CopyDetail }) {
	return (
		<>
			{copy && <Kinds kinds={kinds} at={copy.at} />}
			{history.length > 0 && (
				<section aria-labelledby="history">
					<h2 id="history" class="section">
						{w.historyTitle}
					</h2>
					<ol class="history">
						{history.map((entry) => (
							<Entry key={entry.at} entry={entry} />
						))}
					</ol>
				</section>
			)}
		</>
	);
}

/** Older than the copy, or marked so: it could not be read the last time. */
function stateOf({ status, reasons }: Kind): string | null {
	if (status === 'refused' && !reasons) return w.refused;
	if (status === 'failed' || status === 'refused') return w.unread;
	return status === 'partial' ? w.unreadSome : null;
}

function Kinds({ kinds, at }: { kinds: Kind[]; at: number }) {
	const rows = kinds.filter((kind) => kind.count > 0 || isUnread(kind));
	const empty = kinds.filter((kind) => !rows.includes(kind));
	return (
		<section aria-labelledby="kinds">
			<h2 id="kinds" class="section">
				{w.kindsTitle}
			</h2>
			<table class="held">
				<thead>
					<tr>
						{w.columns.map((column) => (
							<th key={column} scope="col">
								{column}
							</th>
						))}
					</tr>
				</thead>
				<tbody>
					{rows.map((kind) => {
						const state = stateOf(kind);
						const reasons = reasonsWords(kind.reasons);
						return (
							<tr key={kind.type}>
								<th scope="row">
									{kindWords(kind.type)}
									{state && <span class="problem">{state}</span>}
									{state && reasons && <span class="quiet small why">{reasons}</span>}
								</th>
								<td>{countWords(kind.count, locale)}</td>
								<td class={kind.at < at ? 'older' : undefined}>{kind.count > 0 || !state ? ago(kind.at) : '–'}</td>
							</tr>
						);
					})}
				</tbody>
			</table>
			{empty.length > 0 && (
				<p class="quiet small">{w.nothingUnder(empty.map(({ type }) => kindWords(type)).join(', '))}</p>
			)}
		</section>
	);
}

function Entry({ entry }: { entry: SyncEntry }) {
	return (
		<li class={entry.status}>
			<p>
				<span class="strong">
					{ago(entry.at)}
					{now.value - entry.at > 7_200_000 && `, ${timeWords(entry.at, locale)}`}
				</span>
				<span>
					{readingWords(entry, locale)}.{entry.error && ` ${errorWords(entry.error)?.title ?? ''}.`}
				</span>
			</p>
			<p class="quiet small">{effortWords(entry, locale)}</p>
		</li>
	);
}
