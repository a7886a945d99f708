import { useEffect, useRef, useState } from 'preact/hooks';
import type { Collecting, Estimate, From } from '../sw/contract.js';
import { attempt, call } from './state.js';

/** Milliseconds without a change before the worker is asked: providers may be asked for counts. */
const PAUSE = 400;

/** Records that each connection brings about, as last estimated; in memory only. */
const records = new Map<string, number>();

/** How many records these bring about, all together; null where that is not known of each. */
export function estimated(connectionIds: string[]): number | null {
	const known = connectionIds.flatMap((id) => records.get(id) ?? []);
	return known.length === connectionIds.length ? known.reduce((sum, count) => sum + count, 0) : null;
}

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
			if (!reply) return;
			setEstimates(reply.estimates);
			for (const { connectionId, resources, atLeast } of reply.estimates) {
				if (resources === null || atLeast) records.delete(connectionId);
				else records.set(connectionId, resources);
			}
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
