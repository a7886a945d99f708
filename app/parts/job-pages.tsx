import type { JobView } from '../../sw/contract.js';
import { jobSteps, jobTotals, slowKinds } from '../progress.js';
import { bytesWords, durationWords, recordsWords } from '../words/amounts.js';
import { kindWords } from '../words/kinds.js';
import { progress as w } from '../words/progress.js';
import { locale, words } from '../words.js';
import { Announce } from './announce.js';
import { ErrorText } from './error.js';
import { errorWords } from './error-words.js';
import { elapsed, Progress, stepWords } from './progress.js';
import { Screen } from './screen.js';

/** A job under way, or stopped by an error: the same display, so that nothing jumps. */
export function JobPage(props: { job: JobView; title: string; busy: boolean; onCancel(): void; onRetry(): void }) {
	const { job } = props;
	const failed = job.status === 'failed';
	return (
		<Screen title={failed ? ((job.error && errorWords(job.error.code)?.title) ?? w.failed) : props.title} narrow>
			{failed && job.error ? (
				<div role="alert">
					<ErrorText error={job.error} />
				</div>
			) : (
				<p class="quiet">{w.keepOpen}</p>
			)}
			<Progress job={job}>
				{failed && (
					<button type="button" class="button main" disabled={props.busy} onClick={props.onRetry}>
						{words.common.tryAgain}
					</button>
				)}
				<button type="button" class="button" disabled={props.busy} onClick={props.onCancel}>
					{words.common.cancel}
				</button>
			</Progress>
			<Announce text={failed ? '' : summary(job)} />
		</Screen>
	);
}

/** How it stands, in a sentence for those who do not see it. */
function summary(job: JobView): string {
	const active = jobSteps(job).findLast(({ state }) => state === 'active');
	const step = active ? stepWords(active.name, job.kind) : w.overall;
	const { resources, bytes } = jobTotals(job);
	const slow = slowKinds(job)[0];
	const time = durationWords(elapsed(job, Date.now()));
	return (
		w.summary(step, recordsWords(resources, locale), bytesWords(bytes, locale), time) +
		(slow ? w.slowSaid(kindWords(slow.type)) : '')
	);
}
