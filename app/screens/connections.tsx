import { useState } from 'preact/hooks';
import { ErrorBoundary, lazy } from 'preact-iso';
import type { ConnectionView, WireError } from '../../sw/contract.js';
import { dismissInstall, install, installOffer } from '../install.js';
import { ConnectionCard } from '../parts/connection-card.js';
import { ErrorBox } from '../parts/error.js';
import { Icon } from '../parts/icons.js';
import { Opening, Screen } from '../parts/screen.js';
import { attempt, call, connections, now, online, overview } from '../state.js';
import { useTrip } from '../trip.js';
import { words } from '../words.js';

const w = words.connections;

// What most visits do not need.
const Confirm = lazy(() => import('../parts/confirm.js').then((part) => part.Confirm));
const InstallOffer = lazy(() => import('../parts/install-offer.js').then((part) => part.InstallOffer));

/** What was asked of the worker and is not answered yet, by connection. */
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
	/** Then that is the first thing to do here. */
	const repair = list.some(({ status }) => status === 'expired');

	const act = async (id: string, what: 'refresh' | 'remove') => {
		say('');
		const name = list.find((connection) => connection.id === id)?.providerName ?? '';
		setBusy((before) => ({ ...before, [id]: what }));
		if (what === 'refresh') {
			const checked = await attempt(() => call('connection.refresh', { id }), setError);
			// Anything else is told by the card.
			if (checked?.status === 'active' && !checked.problem) say(w.checked(name));
		} else if (await attempt(() => call('connection.remove', { id }), setError)) say(w.removed(name));
		setBusy((before) => ({ ...before, [id]: undefined }));
	};
	const ask = (what: typeof asking) => {
		say('');
		setAsking(what);
	};
	const confirmed = async () => {
		setAsking(null);
		if (asking === 'all') {
			if (await attempt(() => call('connections.clear', {}), setError)) say(w.cleared);
		} else if (asking) await act(asking.id, 'remove');
	};

	return (
		<Screen title={w.title} lead={w.stored}>
			{(error ?? trip.error) && <ErrorBox error={(error ?? trip.error)!} />}
			<p class={said ? 'quiet' : 'hidden'} role="status">
				{said}
			</p>
			{!overview.value ? (
				<Opening />
			) : list.length === 0 ? (
				<Empty />
			) : (
				<>
					<div class="actions">
						<a class={repair ? 'button' : 'button main'} href="/connections/select">
							<Icon name="plus" />
							{w.connect}
						</a>
					</div>
					<div class="cards">
						{list.map((connection) => (
							<ConnectionCard key={connection.id} connection={connection} now={now.value}>
								{connection.status === 'expired' ? (
									<button
										type="button"
										class="button main"
										disabled={!online.value || trip.going !== null}
										onClick={() => trip.go({ kind: 'reauthorize', connectionId: connection.id }, '/connections', null)}
									>
										{isGoing(trip.going, connection.id) ? w.going : w.reauthorize}
									</button>
								) : (
									<button
										type="button"
										class="button"
										disabled={!online.value || connection.refreshing || busy[connection.id] !== undefined}
										onClick={() => act(connection.id, 'refresh')}
									>
										{w.refresh}
									</button>
								)}
								<button
									type="button"
									class="button plain"
									disabled={busy[connection.id] === 'remove'}
									onClick={() => ask(connection)}
								>
									{w.remove}
								</button>
							</ConnectionCard>
						))}
					</div>
					<ErrorBoundary>
						{offer && <InstallOffer kind={offer} onInstall={install} onLater={dismissInstall} />}
					</ErrorBoundary>
					<div class="actions apart">
						<button type="button" class="button plain" onClick={() => ask('all')}>
							{w.clear}
						</button>
					</div>
				</>
			)}
			<ErrorBoundary>
				{asking && (
					<Confirm
						title={asking === 'all' ? w.clearTitle : w.removeTitle(asking.providerName)}
						body={asking === 'all' ? w.clearBody : w.removeBody}
						action={asking === 'all' ? w.clear : w.remove}
						onYes={confirmed}
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

function Empty() {
	return (
		<section class="empty">
			<Icon name="box" />
			<h2>{w.emptyTitle}</h2>
			<p>{w.emptyBody}</p>
			<a class="button main" href="/connections/select">
				<Icon name="plus" />
				{w.connect}
			</a>
		</section>
	);
}
