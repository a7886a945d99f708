import { useState } from 'preact/hooks';
import { ErrorBoundary, lazy } from 'preact-iso';
import type { ConnectionView, WireError } from '../../sw/contract.js';
import { dismissInstall, install, installOffer } from '../install.js';
import { ConnectionCard } from '../parts/connection-card.js';
import { Icon } from '../parts/icons.js';
import { Opening, Screen } from '../parts/screen.js';
import { attempt, call, connections, forgetAll, now, online, overview } from '../state.js';
import { useTrip } from '../trip.js';
import { words } from '../words.js';

const w = words.connections;

// What most visits do not need.
const AskLeave = lazy(() => import('../parts/ask-leave.js').then((part) => part.AskLeave));
const ErrorBox = lazy(() => import('../parts/error.js').then((part) => part.ErrorBox));
const NoConnections = lazy(() => import('../parts/no-connections.js').then((part) => part.NoConnections));
const InstallOffer = lazy(() => import('../parts/install-offer.js').then((part) => part.InstallOffer));

/** What was asked of the worker and is not answered yet, by connection or for all of them. */
type Busy = Record<string, 'refresh' | 'remove' | undefined>;

export function Connections() {
	const [error, setError] = useState<WireError | null>(null);
	const [busy, setBusy] = useState<Busy>({});
	const [asking, setAsking] = useState<ConnectionView | 'all' | null>(null);
	/** What came of the last action here; gone with the next. */
	const [said, say] = useState('');
	const trip = useTrip();
	const list = connections.value;
	const offer = installOffer();
	const paused = !!overview.value?.paused;
	/** Then that is the first thing to do, not connecting another one: one main action a screen. */
	const repair = list.some(({ status }) => status === 'expired');
	const asked = paused || !!overview.value?.otherPatient;

	const refresh = async ({ id, providerName }: ConnectionView) => {
		say('');
		setBusy((before) => ({ ...before, [id]: 'refresh' }));
		const checked = await attempt(() => call('connection.refresh', { id }), setError);
		// Anything else is told by the card.
		if (checked?.status === 'active' && !checked.problem) say(w.checked(providerName));
		setBusy((before) => ({ ...before, [id]: undefined }));
	};
	const ask = (what: typeof asking) => {
		say('');
		setAsking(what);
	};
	const leave = async (doing: string, done: (open: string[]) => string) => {
		if (!asking) return;
		const id = asking === 'all' ? 'all' : asking.id;
		setAsking(null);
		say(doing);
		setBusy((before) => ({ ...before, [id]: 'remove' }));
		const left = await attempt(async () => {
			const { open } = await (id === 'all' ? forgetAll('connections.clear') : call('connection.remove', { id }));
			return done(open);
		}, setError);
		say(left ?? '');
		// The button that was pressed may be gone with its card.
		if (left) document.getElementById('main')?.focus({ preventScroll: true });
		setBusy((before) => ({ ...before, [id]: undefined }));
	};

	return (
		<Screen title={w.title} lead={w.stored}>
			<ErrorBoundary>{(error ?? trip.error) && <ErrorBox error={(error ?? trip.error)!} />}</ErrorBoundary>
			<p class={said ? 'quiet' : 'hidden'} role="status">
				{said}
			</p>
			{!overview.value ? (
				<Opening />
			) : list.length === 0 ? (
				<ErrorBoundary>
					<NoConnections />
				</ErrorBoundary>
			) : (
				<>
					<div class="actions">
						<a class={repair || asked ? 'button' : 'button main'} href="/connections/select">
							<Icon name="plus" />
							{w.connect}
						</a>
					</div>
					<div class="cards">
						{list.map((connection) => {
							const stopped =
								!online.value ||
								connection.refreshing ||
								busy[connection.id] !== undefined ||
								// Access that cannot be renewed is only tried out, which a backup does not mind.
								(paused && connection.renewable);
							return (
								<ConnectionCard
									key={connection.id}
									connection={connection}
									now={now.value}
									updating={
										overview.value?.jobs.some(
											({ kind, status, sources }) =>
												kind === 'keep' && status === 'running' && sources[0]?.connectionId === connection.id,
										) ?? false
									}
								>
									{connection.status === 'expired' ? (
										<button
											type="button"
											class={asked ? 'button' : 'button main'}
											disabled={!online.value || trip.going !== null}
											onClick={() =>
												trip.go({ kind: 'reauthorize', connectionId: connection.id }, '/connections', null)
											}
										>
											{isGoing(trip.going, connection.id) ? w.going : w.reauthorize}
										</button>
									) : (
										<button
											type="button"
											class="button"
											// Why not: the card's status, or what is said above all cards then.
											aria-describedby={`s-${connection.id} offline paused`}
											aria-disabled={stopped}
											onClick={() => stopped || refresh(connection)}
										>
											{w.refresh}
										</button>
									)}
									<button
										type="button"
										class="button plain"
										disabled={(busy[connection.id] ?? busy.all) === 'remove'}
										onClick={() => ask(connection)}
									>
										{w.remove}
									</button>
								</ConnectionCard>
							);
						})}
					</div>
					<ErrorBoundary>
						{offer && <InstallOffer kind={offer} onInstall={install} onLater={dismissInstall} />}
					</ErrorBoundary>
				</>
			)}
			{overview.value && (
				<div class="actions apart">
					<a class="button plain" href="/activity">
						{w.activity}
					</a>
					{list.length > 0 && (
						<button type="button" class="button plain" disabled={busy.all !== undefined} onClick={() => ask('all')}>
							{w.clear}
						</button>
					)}
				</div>
			)}
			<ErrorBoundary>
				{asking && (
					<AskLeave
						what={asking}
						moved={paused}
						copied={list.some((one) => one.copy && (asking === 'all' || asking.id === one.id))}
						onYes={leave}
						onNo={() => setAsking(null)}
					/>
				)}
			</ErrorBoundary>
		</Screen>
	);
}

function isGoing(target: ReturnType<typeof useTrip>['going'], id: string): boolean {
	return target?.kind === 'reauthorize' && target.connectionId === id;
}
