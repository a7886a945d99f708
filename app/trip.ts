import { useEffect, useState } from 'preact/hooks';
import type { ConnectTarget, WireError } from '../sw/contract.js';
import { attempt, call } from './state.js';

/** A trip to a provider and back: `go` has it checked, then leaves this page. */
export function useTrip() {
	const [going, setGoing] = useState<ConnectTarget | null>(null);
	const [error, setError] = useState<WireError | null>(null);

	// The browser may bring back this very page, still "going", when the person turns round.
	useEffect(() => {
		const back = (event: PageTransitionEvent) => event.persisted && setGoing(null);
		window.addEventListener('pageshow', back);
		return () => window.removeEventListener('pageshow', back);
	}, []);

	return {
		going,
		error,
		clear: () => setError(null),
		async go(target: ConnectTarget, returnTo: string, sid: string | null) {
			setGoing(target);
			const started = await attempt(() => call('connect.start', { target, returnTo, sid }), setError);
			if (started) location.assign(started.url);
			else setGoing(null);
		},
	};
}
