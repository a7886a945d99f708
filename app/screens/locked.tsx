import { useEffect, useState } from 'preact/hooks';
import { ErrorBoundary, lazy, useLocation } from 'preact-iso';
import type { WireError } from '../../sw/contract.js';
import { ErrorBox } from '../parts/error.js';
import { Icon } from '../parts/icons.js';
import { Screen } from '../parts/screen.js';
import { askTabs, unlock } from '../passkey.js';
import { attempt, forgetAll, notice } from '../state.js';
import { lock as w } from '../words/lock.js';
import './locked.css';

const Confirm = lazy(() => import('../parts/confirm.js').then((part) => part.Confirm));

/** In place of every screen while the wallet is locked; the address stays, and what was asked for goes on after it. */
export function Locked() {
	const { path, route } = useLocation();
	const [error, setError] = useState<WireError | null>(null);
	const [asking, setAsking] = useState<'passkey' | 'opening' | 'clear' | 'clearing' | null>(null);

	const goOn = (goTo: string | null) => {
		if (!goTo || goTo === path) return;
		// The way there is no act of the person's, so it does not end what the sign-in had to say.
		const kept = notice.peek();
		route(goTo, true);
		if (!kept) return;
		const stop = notice.subscribe((now) => {
			if (now) return;
			queueMicrotask(() => {
				stop();
				notice.value = kept;
			});
		});
	};

	useEffect(() => {
		// Whatever had the focus is gone, here and when this screen goes.
		const focus = () => document.getElementById('main')?.focus({ preventScroll: true });
		focus();
		const done = askTabs(goOn);
		return () => {
			// A tab answers after the wallet is open, and then this screen is gone already.
			setTimeout(done, 5_000);
			focus();
		};
	}, []);

	const open = async () => {
		if (asking) return;
		setAsking('passkey');
		const goTo = await attempt(() => unlock(() => setAsking('opening')), setError);
		setAsking(null);
		goOn(goTo ?? null);
	};
	const clear = async () => {
		setAsking('clearing');
		await attempt(() => forgetAll('connections.clear'), setError);
		setAsking(null);
	};
	const busy = asking !== null && asking !== 'clear';
	const said = asking === 'clearing' ? w.clearing : asking === 'opening' ? w.opening : '';

	return (
		<Screen title={w.lockedTitle} lead={w.lockedLead} narrow>
			<p class="quiet">{w.paused}</p>
			{error && <ErrorBox error={error} />}
			<p class={said ? 'strong' : 'hidden'} role="status">
				{said}
			</p>
			<div class="actions">
				<button type="button" class="button main large" aria-disabled={busy} onClick={open}>
					<Icon name="lock" />
					{asking === 'passkey' ? w.unlocking : w.unlock}
				</button>
			</div>
			<details class="cannot">
				<summary>{w.cannot}</summary>
				<div class="prose">
					<p>{w.cannotBody}</p>
					<p>{w.cannotClear}</p>
					<div class="actions">
						<button type="button" class="button" aria-disabled={busy} onClick={() => asking ?? setAsking('clear')}>
							{w.clear}
						</button>
					</div>
				</div>
			</details>
			<ErrorBoundary>
				{asking === 'clear' && (
					<Confirm
						title={w.clearTitle}
						body={w.clearBody}
						action={w.clear}
						onYes={clear}
						onNo={() => setAsking(null)}
					/>
				)}
			</ErrorBoundary>
		</Screen>
	);
}
