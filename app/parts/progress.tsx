import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { isOver, isUnread, type JobView, type KindProgress, type SourceProgress } from '../../sw/contract.js';
import { estimated } from '../estimate.js';
import {
	jobFraction,
	jobSteps,
	jobTotals,
	kindFraction,
	type StepName,
	slowKinds,
	sortKinds,
	sourceFraction,
	unreadKinds,
} from '../progress.js';
import { connections } from '../state.js';
import { bytesWords, countWords, durationWords, recordsWords } from '../words/amounts.js';
import { agoWords, fromWords, timeWords } from '../words/dates.js';
import { kindWords } from '../words/kinds.js';
import { progress as w } from '../words/progress.js';
import { locale } from '../words.js';
import { errorWords } from './error-words.js';
import { Icon } from './icons.js';
import './progress.css';

const count = (value: number) => countWords(value, locale);
const size = (bytes: number) => bytesWords(bytes, locale);

/** So many slow kinds are named; the others are counted. */
const MOST_SLOW = 2;
/** With more providers than these, each is folded away under its own bar. */
const MOST_OPEN = 2;

export function stepWords(name: StepName, kind: JobView['kind']): string {
	if (name === 'encrypting' && kind !== 'send') return kind === 'collect' ? w.packing : w.storing;
	return name === 'sending' ? w.sendingStep : w[name];
}

/** The moment, each second as long as the work goes on and somebody can see it. */
export function useMoment(going: boolean): number {
	const [moment, setMoment] = useState(Date.now);
	useEffect(() => {
		if (!going) return;
		const timer = setInterval(() => document.visibilityState === 'visible' && setMoment(Date.now()), 1_000);
		return () => clearInterval(timer);
	}, [going]);
	return moment;
}

/** How long a job has taken, or took. */
export function elapsed(job: JobView, moment: number): number {
	return (job.finishedAt ?? Math.max(moment, job.startedAt)) - job.startedAt;
}

function Totals({ job, moment }: { job: JobView; moment: number }) {
	const { resources, bytes } = jobTotals(job);
	const all = isOver(job) ? null : estimated(job.sources.map(({ connectionId }) => connectionId));
	return (
		<dl class="totals">
			<div class="first">
				<dt>
					{all !== null && all > resources ? w.recordsOf(countWords(rounded(all), locale)) : w.records(resources)}
				</dt>
				<dd>{count(resources)}</dd>
			</div>
			<div>
				<dt>{w.read}</dt>
				<dd>{size(bytes)}</dd>
			</div>
			{job.kind === 'send' && job.sealed.bytes > 0 && (
				<div>
					<dt>{w.sent}</dt>
					<dd>{size(job.sealed.sentBytes)}</dd>
				</div>
			)}
			<div>
				<dt>{isOver(job) ? w.stopped : w.elapsed}</dt>
				<dd>{durationWords(elapsed(job, moment))}</dd>
			</div>
		</dl>
	);
}

/** Two digits are as much as an estimate knows. */
const rounded = (value: number) => Number(value.toPrecision(2));

/** What has kept us waiting unusually long. */
function Slow({ job, moment }: { job: JobView; moment: number }) {
	const running = job.status === 'running';
	const held = running ? job.sources.filter((source) => source.held?.code === 'rate_limited') : [];
	const slow = running ? slowKinds(job).filter(({ source }) => !held.some(({ name }) => name === source)) : [];
	if (!slow.length && !held.length) return null;
	return (
		<ul class="slow">
			{held.map(({ connectionId, name }) => (
				<li key={connectionId}>
					<Icon name="clock" />
					{w.asked(name)}
				</li>
			))}
			{slow.slice(0, MOST_SLOW).map(({ source, type, since }) => {
				const time = durationWords(moment - since);
				return (
					<li key={`${source} ${type}`}>
						<Icon name="clock" />
						{job.sources.length > 1 ? w.slowAt(kindWords(type), source, time) : w.slow(kindWords(type), time)}
					</li>
				);
			})}
			{slow.length > MOST_SLOW && <li>{w.slowMore(slow.length - MOST_SLOW)}</li>}
		</ul>
	);
}

function kindState(kind: KindProgress, moment: number): string {
	const { status, keptFrom } = kind;
	const so = count(kind.count);
	if (keptFrom !== null) return w.keptFrom(so, fromWords(keptFrom, moment, locale));
	if (status === 'refused') return w.refused;
	if (status === 'failed') return w.kindFailed;
	if (status === 'partial') return w.partial(so);
	if (status !== 'loading') return so;
	return kind.of && kind.of >= kind.count ? w.loadingOf(so, count(kind.of)) : w.loading(so);
}

/** One kind, filling as it arrives. The bar repeats what the words say, so it is for the eyes alone. */
function Kind({ kind, moment, going }: { kind: KindProgress; moment: number; going: boolean }) {
	const fraction = kindFraction(kind);
	const unread = isUnread(kind);
	return (
		<li class={unread ? 'unread' : kind.status}>
			<span>{kindWords(kind.type)}</span> <span class="count">{kindState(kind, moment)}</span>
			<progress
				class="meter"
				aria-hidden="true"
				max={1}
				// Without a value it shows that something goes on, and not how far.
				value={unread && !kind.count ? 0 : (fraction ?? (going ? undefined : 0))}
			/>
		</li>
	);
}

function SourceBody(props: { source: SourceProgress; told: boolean; moment: number; going: boolean }) {
	const { source, moment } = props;
	const { rows, asked, empty } = sortKinds(source);
	const going = props.going && source.step !== 'done' && source.step !== 'failed';
	const names = (types: string[]) => types.map(kindWords).join(', ');
	return (
		<>
			{source.error && !props.told && <p class="problem">{errorWords(source.error.code)?.body}</p>}
			{source.from === 'copy' && source.asOf !== null && (
				<p class="quiet small">{w.fromCopy(agoWords(source.asOf, moment, locale))}</p>
			)}
			<ul class="by-kind">
				{rows.map((kind) => (
					<Kind key={kind.type} kind={kind} moment={moment} going={going} />
				))}
			</ul>
			{going && asked.length > 0 && <p class="quiet small">{w.asking(names(asked))}</p>}
			{empty.length > 0 && <p class="quiet small">{w.nothingUnder(names(empty))}</p>}
		</>
	);
}

/** What one provider has given so far, by kind. `told`: its error is the job's, and stands above. */
function Source(props: { source: SourceProgress; told: boolean; moment: number; going: boolean; folded: boolean }) {
	const { source } = props;
	if (!props.folded)
		return (
			<section class="source" aria-label={source.name}>
				<h2>
					{source.name}
					{source.step === 'done' && <Icon name="check" />}
				</h2>
				<SourceBody {...props} />
			</section>
		);
	const unread = unreadKinds(source).length;
	const told = [
		source.resources > 0 && recordsWords(source.resources, locale),
		(source.resources === 0 || source.step === 'failed') && w.sourceStep[source.step],
		unread > 0 && w.unreadCount(unread),
	];
	return (
		<details class="source">
			<summary>
				<span class="strong">{source.name}</span>
				<span class="count">{told.filter(Boolean).join(' · ')}</span>
				<progress class={`meter ${source.step}`} aria-hidden="true" max={1} value={sourceFraction(source)} />
			</summary>
			<SourceBody {...props} />
		</details>
	);
}

/** Stopped by something that passes: by whom, until when, and what there is instead. */
function Paused({ job, moment }: { job: JobView; moment: number }) {
	const { error } = job;
	const held = job.sources.filter((source) => source.held !== null && source.held.code !== 'offline');
	const why = error && errorWords(error.code)?.title;
	const copied = held.filter(({ connectionId, from }) => {
		const connection = connections.value.find(({ id }) => id === connectionId);
		return from === 'provider' && connection?.copy;
	});
	const until = error?.retryAt;
	return (
		<div class="box warn" role="status">
			<Icon name="alert" />
			<div>
				<p>
					{why && (held.length > 0 ? w.pausedAt(w.names(held, locale), why) : `${why}.`)}{' '}
					{until === undefined
						? w.waiting
						: until - moment < 60_000
							? w.waitingSoon
							: w.waitingUntil(timeWords(until, locale))}
				</p>
				{copied.length > 0 && <p>{w.useCopy(w.names(copied, locale))}</p>}
			</div>
		</div>
	);
}

/** The work under way: how far it is at a glance, its steps, and what each provider has given. */
export function Progress({ job, children }: { job: JobView; children: ComponentChildren }) {
	const going = !isOver(job);
	const moment = useMoment(going);
	// What turns up meanwhile makes the whole larger, but nothing that was done is undone.
	const furthest = useRef({ id: job.id, at: 0 });
	if (furthest.current.id !== job.id) furthest.current = { id: job.id, at: 0 };
	furthest.current.at = Math.max(furthest.current.at, jobFraction(job));
	return (
		<>
			<div class="glance">
				<Totals job={job} moment={moment} />
				<progress class="meter bar" max={1} value={furthest.current.at} aria-label={w.overall} />
				<ol class="steps">
					{jobSteps(job).map(({ name, state }) => (
						<li key={name} class={state} aria-current={state === 'active' ? 'step' : undefined}>
							<span class="step-mark">
								{state === 'done' && <Icon name="check" />}
								{state === 'failed' && <Icon name="cross" />}
							</span>
							{stepWords(name, job.kind)}
							<span class="hidden"> ({w.stepState[state]})</span>
						</li>
					))}
				</ol>
				<Slow job={job} moment={moment} />
			</div>
			{job.status === 'waiting' && <Paused job={job} moment={moment} />}
			<div class="actions">{children}</div>
			{job.sources.map((source) => (
				<Source
					key={source.connectionId}
					source={source}
					told={source.error?.code === job.error?.code}
					moment={moment}
					going={going}
					folded={job.sources.length > MOST_OPEN}
				/>
			))}
		</>
	);
}
