import type { ComponentChildren } from 'preact';
import type { JobView, KindProgress, SourceProgress } from '../../sw/contract.js';
import { jobFraction, jobSteps, jobTotals, type StepName, unreadKinds } from '../progress.js';
import { bytesWords, countWords, timeWords } from '../words/dates.js';
import { kindWords } from '../words/kinds.js';
import { progress as w } from '../words/session.js';
import { locale } from '../words.js';
import { errorWords } from './error-words.js';
import { Icon } from './icons.js';

const count = (value: number) => countWords(value, locale);
const size = (bytes: number) => bytesWords(bytes, locale);

export function stepWords(name: StepName, kind: JobView['kind']): string {
	if (name === 'encrypting' && kind === 'collect') return w.packing;
	return name === 'sending' ? w.sendingStep : w[name];
}

function stepFact(name: StepName, job: JobView): string | null {
	const { resources, bytes } = jobTotals(job);
	if (name === 'fetching' && resources) return w.recordsBytes(count(resources), size(bytes));
	if (name === 'encrypting' && job.kind === 'send' && job.sealed.bytes) return w.sealed(size(job.sealed.bytes));
	if (name === 'sending' && job.sealed.bytes) return w.sent(size(job.sealed.sentBytes), size(job.sealed.bytes));
	return null;
}

function kindState(kind: KindProgress): string {
	if (kind.status === 'refused') return w.refused;
	if (kind.status === 'failed') return w.kindFailed;
	if (kind.status === 'partial') return w.partial(count(kind.count));
	return kind.status === 'loading' ? w.loading(count(kind.count)) : count(kind.count);
}

/** What one provider has given so far, by kind. `told`: its error is the job's, and stands above. */
function Source({ source, told }: { source: SourceProgress; told: boolean }) {
	const shown = source.kinds.filter(({ status }) => status !== 'waiting' && status !== 'empty');
	const empty = source.kinds.filter(({ status }) => status === 'empty').map(({ type }) => kindWords(type));
	return (
		<section class="source" aria-label={source.name}>
			<h2>
				{source.name}
				{source.step === 'done' && <Icon name="check" />}
			</h2>
			{source.error && !told && <p class="problem">{errorWords(source.error.code)?.body}</p>}
			<ul class="kinds">
				{shown.map((kind) => (
					<li key={kind.type} class={kind.status}>
						<span>{kindWords(kind.type)}</span> <span class="count">{kindState(kind)}</span>
					</li>
				))}
			</ul>
			{empty.length > 0 && <p class="quiet small">{w.nothingUnder(empty.join(', '))}</p>}
		</section>
	);
}

/** The work under way: steps, how far it is, and what each provider has given. */
export function Progress({ job, children }: { job: JobView; children: ComponentChildren }) {
	return (
		<>
			<progress class="bar" max={1} value={jobFraction(job)} aria-label={w.overall} />
			<ol class="steps">
				{jobSteps(job).map(({ name, state }) => {
					const fact = stepFact(name, job);
					return (
						<li key={name} class={state} aria-current={state === 'active' ? 'step' : undefined}>
							<span class="step-mark">
								{state === 'done' && <Icon name="check" />}
								{state === 'failed' && <Icon name="cross" />}
							</span>
							<span class="step-name">{stepWords(name, job.kind)}</span>
							<span class="hidden"> ({w.stepState[state]})</span> {fact && <span class="count">{fact}</span>}
						</li>
					);
				})}
			</ol>
			{job.status === 'waiting' && (
				<p class="box warn" role="status">
					<Icon name="alert" />
					<span>
						{job.error && `${errorWords(job.error.code)?.title ?? ''}. `}
						{job.error?.retryAt ? w.waitingUntil(timeWords(job.error.retryAt, locale)) : w.waiting}
					</span>
				</p>
			)}
			<div class="actions">{children}</div>
			{job.sources.map((source) => (
				<Source key={source.connectionId} source={source} told={source.error?.code === job.error?.code} />
			))}
		</>
	);
}

function unreadWords({ type, status }: KindProgress): string {
	const kind = kindWords(type);
	return status === 'partial' ? w.unreadSome(kind) : status === 'refused' ? w.unreadRefused(kind) : w.unread(kind);
}

/** What a finished job holds, and what it could not read, by provider. */
export function Outcome({ job }: { job: JobView }) {
	return (
		<>
			{job.sources.map((source) => {
				const unread = unreadKinds(source);
				return (
					<section key={source.connectionId} class="card outcome" aria-label={source.name}>
						<div class="card-head">
							<h2>{source.name}</h2>
							<p class="quiet">{w.recordsBytes(count(source.resources), size(source.bytes))}</p>
						</div>
						{source.error && <p class="problem">{errorWords(source.error.code)?.body}</p>}
						{unread.length > 0 && (
							<>
								<h3 class="problem">{w.unreadTitle}</h3>
								<ul class="list">
									{unread.map((kind) => (
										<li key={kind.type}>{unreadWords(kind)}</li>
									))}
								</ul>
							</>
						)}
					</section>
				);
			})}
		</>
	);
}
