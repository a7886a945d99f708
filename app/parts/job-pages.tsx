import type { JobView } from '../../sw/contract.js';
import { jobSteps, jobTotals, slowKinds, stuckSources } from '../progress.js';
import { bytesWords, recordsWords } from '../words/amounts.js';
import { kindWords } from '../words/kinds.js';
import { progress as w } from '../words/progress.js';
import { locale, words } from '../words.js';
import { Announce } from './announce.js';
import { ErrorText } from './error.js';
import { errorWords } from './error-words.js';
import { Progress, stepWords } from './progress.js';
import { Screen } from './screen.js';

/** A job under way, or stopped by an error: the same display, so that nothing jumps. */
export function JobPage(props: {
	job: JobView;
	title: string;
	busy: boolean;
	onCancel(): void;
	/** `without`: connections that it is to go on without. */
	onRetry(without?: string[]): void;
}) {
	const { job } = props;
	const failed = job.status === 'failed';
	const stuck = stuckSources(job);
	const names = w.names(stuck, locale);
	const title = stuck.length > 0 ? w.failedAt(names) : ((job.error && errorWords(job.error.code)?.title) ?? w.failed);
	return (
		<Screen title={failed ? title : props.title} narrow>
			{failed && job.error ? (
				<div role="alert">
					<ErrorText error={job.error} />
					{stuck.length > 0 && <p>{w.others}</p>}
				</div>
			) : (
				<p class="quiet">{w.keepOpen}</p>
			)}
			<Progress job={job}>
				{failed && (
					<button type="button" class="button main" disabled={props.busy} onClick={() => props.onRetry()}>
						{words.common.tryAgain}
					</button>
				)}
				{stuck.length > 0 && (
					<button
						type="button"
						class="button"
						disabled={props.busy}
						onClick={() => props.onRetry(stuck.map(({ connectionId }) => connectionId))}
					>
						{w.without[job.kind](names)}
					</button>
				)}
				<button type="button" class="button" disabled={props.busy} onClick={props.onCancel}>
					{words.common.cancel}
				</button>
			</Progress>
			<Announce text={failed ? '' : summary(job)} turn={`${job.status} ${activeStep(job)?.name}`} />
		</Screen>
	);
}

const activeStep = (job: JobView) => jobSteps(job).findLast(({ state }) => state === 'active');

/** How it stands, in a sentence for those who do not see it. */
function summary(job: JobView): string {
	const active = activeStep(job);
	const step = active ? stepWords(active.name, job.kind) : w.overall;
	const { resources, bytes } = jobTotals(job);
	const slow = slowKinds(job)[0];
	const read = resources > 0 ? `${recordsWords(resources, locale)}, ${bytesWords(bytes, locale)}` : null;
	return w.summary(step, read) + (slow ? w.slowSaid(kindWords(slow.type)) : '');
}
