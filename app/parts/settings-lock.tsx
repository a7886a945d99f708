import { useEffect, useState } from 'preact/hooks';
import { ErrorBoundary, lazy } from 'preact-iso';
import type { WireError } from '../../sw/contract.js';
import { canLock, disableLock, enableLock, lockNow } from '../passkey.js';
import { attempt, overview } from '../state.js';
import { lock as w } from '../words/lock.js';
import { ErrorBox } from './error.js';
import { Icon } from './icons.js';
import './settings-lock.css';

const Confirm = lazy(() => import('./confirm.js').then((part) => part.Confirm));

/** What the lock does and does not, and its switch. The screen of a locked wallet is another one. */
export function Lock() {
	const [able, setAble] = useState<boolean | null>(null);
	const [error, setError] = useState<WireError | null>(null);
	const [busy, setBusy] = useState<'on' | 'off' | 'now' | null>(null);
	const [asking, setAsking] = useState(false);
	const [said, say] = useState('');
	const on = overview.value?.lock === 'unlocked';

	useEffect(() => {
		canLock().then(setAble);
	}, []);

	const act = async (what: NonNullable<typeof busy>, work: () => Promise<void>, done = '') => {
		if (busy) return;
		// The passkey speaks for itself first.
		say(what === 'on' ? '' : w.doing[what]);
		setBusy(what);
		const worked = await attempt(async () => {
			await work();
			return true;
		}, setError);
		setBusy(null);
		say(worked ? done : '');
	};

	return (
		<section class="card set" aria-labelledby="lock">
			<h2 id="lock">{w.title}</h2>
			<p>{on ? w.onBody : w.offBody}</p>
			{error && <ErrorBox error={error} />}
			<p class={said ? 'quiet' : 'hidden'} role="status">
				{said}
			</p>
			{on ? (
				<div class="actions">
					<button type="button" class="button main" aria-disabled={busy !== null} onClick={() => act('now', lockNow)}>
						<Icon name="lock" />
						{w.now}
					</button>
					<button type="button" class="button" aria-disabled={busy !== null} onClick={() => setAsking(true)}>
						{w.turnOff}
					</button>
				</div>
			) : able === false ? (
				<p class="quiet">{w.unsupported}</p>
			) : (
				<>
					<ul class="bullets">
						{w.does.map((text) => (
							<li key={text}>{text}</li>
						))}
						<li>{w.doesNot}</li>
					</ul>
					<div class="actions">
						<button
							type="button"
							class="button"
							aria-disabled={busy !== null}
							onClick={() => act('on', () => enableLock(() => say(w.doing.on)), w.isOn)}
						>
							<Icon name="lock" />
							{busy === 'on' && !said ? w.turningOn : w.turnOn}
						</button>
					</div>
				</>
			)}
			<ErrorBoundary>
				{asking && (
					<Confirm
						title={w.turnOffTitle}
						body={w.turnOffBody}
						action={w.turnOffYes}
						onYes={() => {
							setAsking(false);
							void act('off', disableLock, w.isOff);
						}}
						onNo={() => setAsking(false)}
					/>
				)}
			</ErrorBoundary>
		</section>
	);
}
