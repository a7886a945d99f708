import { useEffect, useState } from 'preact/hooks';
import type { ConnectionView, WireError } from '../../sw/contract.js';
import { isInstalled, isIos } from '../install.js';
import { type NotifyState, readNotify, turnOff, turnOn } from '../notify.js';
import { saveFile } from '../save.js';
import { attempt, connections, now, overview } from '../state.js';
import { reminders as w } from '../words/reminders.js';
import { Ends } from './connection-card.js';
import { ErrorBox } from './error.js';

/** The three reminders, and of each whether it can work here. */
export function Reminders() {
	return (
		<section class="card set" aria-labelledby="reminders">
			<h2 id="reminders">{w.title}</h2>
			<p class="quiet">{w.lead}</p>
			<Calendar />
			<Notify />
			<Badge />
		</section>
	);
}

/** An end that stays where it is: one that each refresh moves would be wrong in a calendar by tomorrow. */
type Ending = ConnectionView & { expiry: { kind: 'at' } };

function isEnding(connection: ConnectionView): connection is Ending {
	const { expiry, status, renewable } = connection;
	return status === 'active' && renewable && expiry.kind === 'at' && !expiry.renews && expiry.at > now.value;
}

function Calendar() {
	const [error, setError] = useState<WireError | null>(null);
	const [said, say] = useState('');
	const ending = connections.value.filter(isEnding);

	const save = (connection: Ending) =>
		attempt(async () => {
			const { endAsCalendar } = await import('../calendar.js');
			const link = `${location.origin}/connections`;
			saveFile(w.fileName, 'text/calendar', endAsCalendar(connection, connection.expiry.at, link, Date.now()));
			say(w.saved(connection.providerName));
		}, setError);

	return (
		<>
			<h3>{w.calendarTitle}</h3>
			<p>{w.calendar}</p>
			{ending.length === 0 ? (
				<p class="quiet">{w.calendarNone}</p>
			) : (
				<>
					<ul class="rows">
						{ending.map((connection) => (
							<li key={connection.id}>
								<p>
									<span class="strong">{connection.providerName}</span>
									<span class="facts">
										<Ends connection={connection} now={now.value} />
									</span>
								</p>
								<button
									type="button"
									class="button"
									aria-label={w.saveFor(connection.providerName)}
									onClick={() => save(connection)}
								>
									{w.save}
								</button>
							</li>
						))}
					</ul>
					<p class="quiet small">{w.calendarAgain}</p>
				</>
			)}
			{error && <ErrorBox error={error} />}
			<p class={said ? 'small' : 'hidden'} role="status">
				{said}
			</p>
		</>
	);
}

function Notify() {
	const [state, setState] = useState<NotifyState | null>(null);
	const [error, setError] = useState<WireError | null>(null);
	const [busy, setBusy] = useState(false);
	const locks = overview.value?.lock !== 'off';

	const act = async (work: () => Promise<NotifyState>) => {
		setBusy(true);
		const next = await attempt(work, setError);
		if (next) setState(next);
		setBusy(false);
	};
	useEffect(() => {
		void act(readNotify);
	}, []);

	return (
		<>
			<h3>{w.notifyTitle}</h3>
			<p>{w.notify}</p>
			<p class="quiet small">
				{w.notifyRare} {locks && w.notifyLocked}
			</p>
			{error && <ErrorBox error={error} />}
			<p class={state?.obstacle ? 'quiet' : state?.wanted ? 'strong' : 'hidden'} role="status">
				{state?.obstacle ? w.obstacles[state.obstacle] : state?.wanted && (state.woken ? w.notifyOn : w.notifyStopped)}
			</p>
			<div class="actions">
				{state && !state.obstacle && !(state.wanted && state.woken) && (
					<button type="button" class="button" disabled={busy} onClick={() => act(turnOn)}>
						{w.turnOn}
					</button>
				)}
				{state?.wanted && (
					<button type="button" class="button" disabled={busy} onClick={() => act(turnOff)}>
						{w.turnOff}
					</button>
				)}
			</div>
		</>
	);
}

function Badge() {
	const [, asked] = useState(false);
	const ios = isIos(navigator);
	const locks = overview.value?.lock !== 'off';
	const supported = 'setAppBadge' in navigator;
	const note = !supported ? w.badgeUnsupported : ios ? w.badgeIos : isInstalled() ? null : w.badgeInstall;
	const askable = ios && supported && isInstalled() && Notification.permission === 'default';
	return (
		<>
			<h3>{w.badgeTitle}</h3>
			<p>
				{w.badge} {locks && w.badgeLocked}
			</p>
			{note && <p class="quiet">{note}</p>}
			{askable && (
				<div class="actions">
					<button type="button" class="button" onClick={() => Notification.requestPermission().then(() => asked(true))}>
						{w.badgeAllow}
					</button>
				</div>
			)}
		</>
	);
}
