import type { JobView, KindProgress, SourceProgress } from '../../sw/contract.js';
import { jobTotals, leftSources, sortKinds, unreadKinds } from '../progress.js';
import { bytesWords, countWords, durationWords, recordsWords } from '../words/amounts.js';
import { agoWords, fromWords } from '../words/dates.js';
import { kindWords } from '../words/kinds.js';
import { progress as w } from '../words/progress.js';
import { reasonsWords } from '../words/reasons.js';
import { locale } from '../words.js';
import { Announce } from './announce.js';
import { errorWords } from './error-words.js';
import { Icon } from './icons.js';
import './progress.css';

const count = (value: number) => countWords(value, locale);
const size = (bytes: number) => bytesWords(bytes, locale);

/** "Allergies could not be read"; what stands in its place where something does. */
function unreadWords(
	{ type, status, keptFrom, count }: KindProgress,
	from: SourceProgress['from'],
	now: number,
): string {
	const kind = kindWords(type);
	if (keptFrom !== null) return w[from === 'copy' ? 'copyKept' : 'unreadKept'](kind, fromWords(keptFrom, now, locale));
	return status === 'partial' && count > 0 ? w.unreadSome(kind) : w.unread(kind);
}

/** So many losses are named before anything else; the others stand with their provider. */
const MOST_NAMED = 4;

/** What a finished job is without, in sentences: providers that were left out, and kinds that could not be read. */
function losses(job: JobView, now: number): string[] {
	const left = leftSources(job);
	const kinds = job.sources
		.filter((source) => !left.includes(source))
		.flatMap((source) => {
			const { name } = source;
			const refused = source.kinds.filter(({ status, keptFrom }) => status === 'refused' && keptFrom === null);
			const unread = unreadKinds(source).filter((kind) => !refused.includes(kind));
			const words = unread.map(({ type, status, keptFrom, count }) => {
				const kind = kindWords(type);
				if (keptFrom !== null) return w.missingKept(kind, name, fromWords(keptFrom, now, locale));
				return status === 'partial' && count > 0 ? w.missingSome(kind, name) : w.missingAt(kind, name);
			});
			if (refused.length > 0) words.push(w.missingRefused(refused.map(({ type }) => kindWords(type)).join(', '), name));
			return words;
		});
	return [...left.map(({ name, resources }) => (resources > 0 ? w.leftPart(name) : w.leftOut(name))), ...kinds];
}

/** What is missing, right under the title: nobody should have to look for it. */
export function Missing({ job, now }: { job: JobView; now: number }) {
	const all = losses(job, now);
	if (!all.length) return null;
	return (
		<section class="box warn" aria-labelledby="missing">
			<Icon name="alert" />
			<div>
				<h2 id="missing">{w.missingTitle}</h2>
				<ul class="list">
					{all.slice(0, MOST_NAMED).map((loss) => (
						<li key={loss}>{loss}</li>
					))}
					{all.length > MOST_NAMED && <li>{w.missingMore(all.length - MOST_NAMED)}</li>}
				</ul>
				<p>{w.missingHint}</p>
			</div>
		</section>
	);
}

/** All clear only where nothing is missing. */
export function DoneMark({ job }: { job: JobView }) {
	const clear = losses(job, 0).length === 0;
	return (
		<span class={clear ? 'done-mark' : 'done-mark partly'}>
			<Icon name={clear ? 'check' : 'alert'} />
		</span>
	);
}

function Unread({ source, now }: { source: SourceProgress; now: number }) {
	const unread = unreadKinds(source);
	if (!unread.length) return null;
	return (
		<>
			<h3 class="problem">{w.unreadTitle}</h3>
			<ul class="list">
				{unread.map((kind) => {
					const reasons = reasonsWords(kind.reasons ?? (kind.status === 'refused' ? ['refused'] : []));
					return (
						<li key={kind.type}>
							<span>{unreadWords(kind, source.from, now)}</span>
							{reasons && <span class="quiet">: {reasons}</span>}
						</li>
					);
				})}
			</ul>
		</>
	);
}

/** Numbers for whoever asks what took so long, or helps somebody with it. */
function Technical({ source, took }: { source: SourceProgress; took: number | null }) {
	const kinds = source.kinds.filter(({ status }) => status !== 'waiting');
	return (
		<details class="fold">
			<summary>{w.technical}</summary>
			<p class="quiet small">
				{[
					source.from === 'provider' && w.requests(source.requests, count(source.requests)),
					took !== null && durationWords(took),
				]
					.filter(Boolean)
					.join(', ')}
			</p>
			<table>
				<thead>
					<tr>
						{w.columns.map((column) => (
							<th key={column} scope="col">
								{column}
							</th>
						))}
					</tr>
				</thead>
				<tbody>
					{kinds.map((kind) => (
						<tr key={kind.type}>
							<th scope="row">
								{kind.type}
								{kind.reasons?.length ? <span class="code-words">{kind.reasons.join(', ')}</span> : null}
							</th>
							<td>{count(kind.count)}</td>
							<td>{size(kind.bytes)}</td>
							<td>{seconds(kind.ms)}</td>
						</tr>
					))}
				</tbody>
			</table>
			{source.from === 'provider' && <p class="quiet small">{w.timeHint}</p>}
		</details>
	);
}

/** "0.4 s": what is short is worth a digit more here. */
function seconds(ms: number): string {
	if (ms >= 60_000) return durationWords(ms);
	return `${new Intl.NumberFormat(locale, { maximumFractionDigits: 1 }).format(ms / 1000)} s`;
}

/** What a finished job holds, and what it could not read and why, by provider. */
export function Outcome({ job, now }: { job: JobView; now: number }) {
	const took = job.finishedAt === null ? null : job.finishedAt - job.startedAt;
	const left = leftSources(job);
	const unread = job.sources.reduce((sum, source) => sum + unreadKinds(source).length, 0);
	return (
		<>
			<Announce
				text={`${w.endRead(recordsWords(jobTotals(job).resources, locale))} ${left.length ? w.endLeft(left.map(({ name }) => name).join(', ')) : unread ? w.endUnread(unread) : w.endAll}`}
			/>
			{job.sources.map((source) => {
				const { rows, empty } = sortKinds(source);
				const read = rows.filter((kind) => kind.count > 0);
				const [records, bytes] = [recordsWords(source.resources, locale), size(source.bytes)];
				return (
					<section key={source.connectionId} class="card outcome" aria-label={source.name}>
						<div class="card-head">
							<h2>{source.name}</h2>
							<p class="quiet">
								{took !== null && job.sources.length === 1
									? w.inTime(records, bytes, durationWords(took))
									: w.recordsBytes(records, bytes)}
							</p>
						</div>
						{source.from === 'copy' && source.asOf !== null && (
							<p class="quiet small">{w.fromCopy(agoWords(source.asOf, now, locale))}</p>
						)}
						{source.error && (
							<p class="problem">{left.includes(source) ? w.leftBody : errorWords(source.error.code)?.body}</p>
						)}
						<Unread source={source} now={now} />
						{read.length > 0 ? (
							<>
								<h3>{w.readTitle}</h3>
								<ul class="by-kind">
									{read.map((kind) => (
										<li key={kind.type}>
											<span>{kindWords(kind.type)}</span> <span class="count">{count(kind.count)}</span>
										</li>
									))}
								</ul>
							</>
						) : (
							<p class="quiet">{w.nothingRead}</p>
						)}
						{empty.length > 0 && <p class="quiet small">{w.nothingUnder(empty.map(kindWords).join(', '))}</p>}
						{source.kinds.length > 0 && <Technical source={source} took={took} />}
					</section>
				);
			})}
		</>
	);
}
