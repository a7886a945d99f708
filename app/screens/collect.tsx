import { useState } from 'preact/hooks';
import { downloadPath, type From, type JobView, type WireError } from '../../sw/contract.js';
import { useEstimate, usePreferred } from '../estimate.js';
import { usable } from '../from.js';
import { Amount } from '../parts/amount.js';
import { Choices, GoOn } from '../parts/choices.js';
import { ErrorBox } from '../parts/error.js';
import { Icon } from '../parts/icons.js';
import { JobPage } from '../parts/job-pages.js';
import { DoneMark, Missing, Outcome } from '../parts/outcome.js';
import { Opening, Screen } from '../parts/screen.js';
import { attempt, call, connections, jobs, now, online, overview, takeJob } from '../state.js';
import { useTrip } from '../trip.js';
import { session, collect as w } from '../words/session.js';
import { words } from '../words.js';
import './session.css';

/** Records for the person's own device, without any session. */
export function Collect() {
	const [included, setIncluded] = useState<string[]>([]);
	const [wanted, setWanted] = useState<Record<string, From>>({});
	const [started, setStarted] = useState<JobView | null>(null);
	const [ended, setEnded] = useState<string | null>(null);
	const [error, setError] = useState<WireError | null>(null);
	const [busy, setBusy] = useState(false);
	const trip = useTrip();
	const list = connections.value;
	const { include, from } = usable(list, included, wanted);
	const prefer = usePreferred();
	const estimate = useEstimate(include, from, null);

	const listed = overview.value?.jobs.find(({ kind, id }) => kind === 'collect' && id !== ended);
	const known = listed ?? (started?.id === ended ? null : started);
	const job = known && (jobs.value[known.id] ?? known);

	const act = async (work: () => Promise<void>) => {
		setBusy(true);
		await attempt(work, setError);
		setBusy(false);
	};
	const discard = (id: string) =>
		act(async () => {
			await call('job.cancel', { id });
			setEnded(id);
		});

	if (!overview.value) return <Opening />;
	if (job && job.status !== 'cancelled') {
		if (job.status === 'done') return <Ready job={job} busy={busy} error={error} onDiscard={() => discard(job.id)} />;
		return (
			<JobPage
				job={job}
				title={w.working}
				busy={busy}
				onCancel={() => discard(job.id)}
				onRetry={(without) => act(async () => takeJob(await call('job.retry', { id: job.id, without })))}
			/>
		);
	}

	// What is on this device already needs no network.
	const reason = !include.length
		? session.reasonSelect
		: !online.value && Object.values(from).includes('provider')
			? session.reasonOffline
			: null;
	return (
		<Screen title={w.title} lead={w.lead}>
			{(error ?? trip.error) && <ErrorBox error={(error ?? trip.error)!} />}
			{list.length === 0 ? (
				<section class="empty">
					<Icon name="box" />
					<p>{w.emptyBody}</p>
					<a class="button main" href="/connections/select">
						{words.connections.connect}
					</a>
				</section>
			) : (
				<>
					<h2 class="section">{session.choose}</h2>
					<Choices
						{...{ list, include, from, prefer, trip }}
						label={w.include}
						here="/collect"
						onChange={(chosen, where) => {
							setIncluded(chosen);
							setWanted((before) => ({ ...before, ...where }));
						}}
					/>
					<Amount {...estimate} connections={list} tokens={false} now={now.value} />
					<GoOn
						reason={reason}
						busy={busy}
						onGo={() =>
							act(async () => {
								const next = await call('collect.start', { include, from });
								takeJob(next);
								setStarted(next);
							})
						}
					>
						{w.start}
					</GoOn>
				</>
			)}
		</Screen>
	);
}

function Ready(props: { job: JobView; busy: boolean; error: WireError | null; onDiscard(): void }) {
	return (
		<Screen title={w.ready} lead={w.readyBody} narrow eyebrow={<DoneMark job={props.job} />}>
			{props.error && <ErrorBox error={props.error} />}
			<Missing job={props.job} now={now.value} />
			<div class="actions">
				{/* A navigation, not `download`: Chromium keeps such requests from the worker. A target keeps the router out. */}
				<a class="button main" href={downloadPath(props.job.id)} target="_top">
					{w.download}
				</a>
				<button type="button" class="button" disabled={props.busy} onClick={props.onDiscard}>
					{w.discard}
				</button>
			</div>
			<Outcome job={props.job} now={now.value} />
		</Screen>
	);
}
