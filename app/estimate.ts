import { useEffect, useRef, useState } from 'preact/hooks';
import type { Collecting, Estimate, From } from '../sw/contract.js';
import { attempt, call } from './state.js';

/** Milliseconds without a change before the worker is asked: providers may be asked for counts. */
const PAUSE = 400;

/** About how much these bring. What was known last stays while anew is asked; what goes wrong is no estimate. */
export function useEstimate(include: string[], from: Record<string, From>, sid: string | null) {
	const [estimates, setEstimates] = useState<Estimate[]>([]);
	const [asking, setAsking] = useState(false);
	const turn = useRef(0);
	const choice = JSON.stringify(include.map((id) => [id, from[id]]));
	useEffect(() => {
		const mine = ++turn.current;
		setAsking(include.length > 0);
		if (!include.length) return;
		const timer = setTimeout(async () => {
			const reply = await attempt(
				() => call('estimate', { include, from, sid }),
				() => undefined,
			);
			if (mine !== turn.current) return;
			setAsking(false);
			if (reply) setEstimates(reply.estimates);
		}, PAUSE);
		return () => clearTimeout(timer);
		// Only the choice itself counts, not the objects that it comes in.
	}, [choice, sid]);
	return { estimates: estimates.filter(({ connectionId }) => include.includes(connectionId)), asking };
}

/** What is proposed where there is a copy; as good as `fetch` until it is known. */
export function usePreferred(): Collecting['prefer'] {
	const [prefer, setPrefer] = useState<Collecting['prefer']>('fetch');
	useEffect(() => {
		void attempt(
			async () => setPrefer((await call('collecting.get', {})).prefer),
			() => undefined,
		);
	}, []);
	return prefer;
}
