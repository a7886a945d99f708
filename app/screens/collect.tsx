import { useState } from 'preact/hooks';
import { downloadPath, type From, type JobView, type WireError } from '../../sw/contract.js';
import { useEstimate, usePreferred } from '../estimate.js';
import { proposed, usable } from '../from.js';
import { Amount } from '../parts/amount.js';
import { ChoiceCard } from '../parts/choice-card.js';
import { ErrorBox } from '../parts/error.js';
import { FromChoice } from '../parts/from-choice.js';
import { Icon } from '../parts/icons.js';
import { JobPage } from '../parts/job-pages.js';
import { Outcome } from '../parts/outcome.js';
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
				onRetry={() => act(async () => takeJob(await call('job.retry', { id: job.id })))}
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
					<div class="cards">
						{list.map((connection) => (
							<ChoiceCard
								key={connection.id}
								connection={connection}
								now={now.value}
								label={w.include}
								checked={include.includes(connection.id)}
								onChange={(on) => {
									setIncluded((before) =>
										on ? [...before, connection.id] : before.filter((id) => id !== connection.id),
									);
									if (on) setWanted((before) => ({ ...before, [connection.id]: proposed(connection, prefer) }));
								}}
								repair={
									<button
										type="button"
										class="button"
										disabled={trip.going !== null || !online.value}
										onClick={() => trip.go({ kind: 'reauthorize', connectionId: connection.id }, '/collect', null)}
									>
										{words.connections.reauthorize}
									</button>
								}
							>
								<FromChoice
									connection={connection}
									value={from[connection.id] ?? 'provider'}
									now={now.value}
									onChange={(where) => setWanted((before) => ({ ...before, [connection.id]: where }))}
								/>
							</ChoiceCard>
						))}
					</div>
					<Amount {...estimate} connections={list} tokens={false} now={now.value} />
					<div class="send">
						<button
							type="button"
							class="button main large"
							aria-disabled={reason !== null || busy}
							aria-describedby="collect-reason"
							onClick={() =>
								reason === null &&
								!busy &&
								act(async () => {
									const next = await call('collect.start', { include, from });
									takeJob(next);
									setStarted(next);
								})
							}
						>
							{w.start}
						</button>
						<p id="collect-reason" class="quiet" role="status">
							{reason}
						</p>
					</div>
				</>
			)}
		</Screen>
	);
}

function Ready(props: { job: JobView; busy: boolean; error: WireError | null; onDiscard(): void }) {
	return (
		<Screen
			title={w.ready}
			lead={w.readyBody}
			narrow
			eyebrow={
				<span class="done-mark">
					<Icon name="check" />
				</span>
			}
		>
			{props.error && <ErrorBox error={props.error} />}
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
