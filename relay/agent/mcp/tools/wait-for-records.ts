import { once } from 'node:events';
import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js';
import type { ServerNotification, ServerRequest } from '@modelcontextprotocol/sdk/types.js';
import * as z from 'zod';
import type { AddTool } from '../context.js';
import { progressOf, Report, report } from '../report.js';
import { telling } from '../results.js';
import { isUnderWay, type State } from '../state.js';

/** Seconds: clients give up after a minute, as a rule. */
const LONGEST = 45;
/** How often progress is told when nothing changes, and at most how often when much does, in ms. */
const PACE = { still: 5000, moving: 500 };

const input = z.strictObject({
	seconds: z
		.int()
		.min(1)
		.max(LONGEST)
		.default(LONGEST)
		.describe(
			`How long to wait before the state so far is told. ${LONGEST} unless told, and never longer. Example: 20`,
		),
});

export const waitForRecords: AddTool = (server, { receiver, records }) =>
	server.registerTool(
		'wait_for_records',
		{
			title: 'Wait for the records',
			description: `Waits until the records of a request have arrived and are verified, or it is over, and at most ${LONGEST} seconds: then it tells the state so far (waiting, claimed, receiving) and can be called again, as often as needed. done: they are here, go on with patient_summary or list_records. over: nothing more comes, with the reason. Also goes on with a request that was made before this server was started. Receiving does not depend on this call: it goes on between calls.`,
			inputSchema: input,
			outputSchema: z.object(Report),
			annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: true },
		},
		telling(async ({ seconds }, extra) => {
			const tell = teller(extra);
			const time = new AbortController();
			const timer = setTimeout(() => time.abort(), seconds * 1000);
			const signal = AbortSignal.any([time.signal, extra.signal]);
			try {
				await Promise.race([receiver.resume(), once(signal, 'abort')]);
				while (isUnderWay(receiver.state) && !signal.aborted) {
					tell(receiver.state);
					await receiver.changed(PACE.still, signal);
				}
			} finally {
				clearTimeout(timer);
			}
			return report(receiver.state, await records.areHere());
		}),
	);

type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>;

/** Tells progress to a client that asked for it. The number only counts what was told: phases have no common measure. */
function teller({ _meta, sendNotification }: Extra): (state: State) => void {
	const progressToken = _meta?.progressToken;
	if (progressToken === undefined) return () => undefined;
	let progress = 0;
	let last: { is: State['is']; at: number } | undefined;
	return (state) => {
		const at = performance.now();
		if (last?.is === state.is && at - last.at < PACE.moving) return;
		last = { is: state.is, at };
		const params = { progressToken, progress: ++progress, message: progressOf(state) };
		// A client that has gone is noticed elsewhere.
		sendNotification({ method: 'notifications/progress', params }).catch(() => undefined);
	};
}
