import { useEffect, useRef, useState } from 'preact/hooks';
import type { ActivityEntry, WireError } from '../../sw/contract.js';
import { byDay, dayOf, toCsv } from '../activity-log.js';
import { ErrorBox } from '../parts/error.js';
import { errorWords } from '../parts/error-words.js';
import { Icon } from '../parts/icons.js';
import { Opening, Screen } from '../parts/screen.js';
import { saveFile } from '../save.js';
import { attempt, call, now, overview } from '../state.js';
import { dayWords, kindsWords, sentence, activity as w } from '../words/activity.js';
import { timeWords } from '../words/dates.js';
import { locale } from '../words.js';
import './activity.css';

const PAGE = 50;
/** As many as the worker keeps at most. */
const ALL = 1_000;
/** Kinds of a delivery that are seen at once. */
const FIRST = 4;

/** What happened in this wallet, newest first. */
export function Activity() {
	const [entries, setEntries] = useState<ActivityEntry[] | null>(null);
	const [more, setMore] = useState(false);
	const [error, setError] = useState<WireError | null>(null);
	const [busy, setBusy] = useState(false);
	const list = useRef<HTMLDivElement>(null);
	/** The id of the entry to go to once it is there. */
	const next = useRef<string | null>(null);
	const revision = overview.value?.revision;

	// Whatever changes the wallet may have added a line: as many as are shown are read again.
	useEffect(() => {
		if (revision === undefined) return;
		let stale = false;
		const limit = Math.max(PAGE, entries?.length ?? 0);
		attempt(
			() => call('activity.list', { before: null, limit }),
			(problem) => stale || setError(problem),
		).then((reply) => {
			if (stale || !reply) return;
			setEntries(reply.entries);
			setMore(reply.more);
		});
		return () => {
			stale = true;
		};
	}, [revision]);

	useEffect(() => {
		if (!next.current || !entries) return;
		list.current?.querySelector<HTMLElement>(`[data-id="${next.current}"]`)?.focus();
		next.current = null;
	}, [entries]);

	const showMore = async () => {
		setBusy(true);
		const before = entries?.at(-1)?.id ?? null;
		const reply = await attempt(() => call('activity.list', { before, limit: PAGE }), setError);
		if (reply) {
			next.current = reply.entries[0]?.id ?? null;
			setEntries([...(entries ?? []), ...reply.entries]);
			setMore(reply.more);
		}
		setBusy(false);
	};
	const save = async () => {
		setBusy(true);
		await attempt(async () => {
			const [all, { errorWords }] = await Promise.all([
				call('activity.list', { before: null, limit: ALL }),
				import('../words/errors.js'),
			]);
			const csv = toCsv(all.entries, (code) => errorWords[code].title, locale);
			saveFile(w.fileName(dayOf(Date.now())), 'text/csv', csv);
		}, setError);
		setBusy(false);
	};

	return (
		<Screen
			title={w.title}
			lead={w.lead}
			narrow
			eyebrow={
				<a class="back" href="/settings">
					<Icon name="back" />
					{w.back}
				</a>
			}
		>
			{error && <ErrorBox error={error} />}
			{!entries ? (
				!error && <Opening />
			) : entries.length === 0 ? (
				<section class="empty">
					<Icon name="clock" />
					<h2>{w.empty}</h2>
					<p>{w.emptyBody}</p>
				</section>
			) : (
				<>
					<div class="log" ref={list}>
						{byDay(entries).map((day) => (
							<section key={dayOf(day.at)} aria-labelledby={`d-${dayOf(day.at)}`}>
								<h2 id={`d-${dayOf(day.at)}`} class="section">
									{dayWords(day.at, now.value, locale)}
								</h2>
								<ol class="card">
									{day.entries.map((entry) => (
										<Entry key={entry.id} entry={entry} />
									))}
								</ol>
							</section>
						))}
					</div>
					<p class="hidden" role="status">
						{w.shown(entries.length)}
					</p>
					{more && (
						<div class="actions">
							<button type="button" class="button" disabled={busy} onClick={showMore}>
								{w.more}
							</button>
						</div>
					)}
					<div class="actions apart">
						<button type="button" class="button" disabled={busy} aria-describedby="export-body" onClick={save}>
							{w.export}
						</button>
						<p id="export-body" class="quiet small">
							{w.exportBody}
						</p>
					</div>
				</>
			)}
		</Screen>
	);
}

function Entry({ entry }: { entry: ActivityEntry }) {
	const kinds = kindsWords(entry.kinds, locale);
	const short = kinds.length <= FIRST + 1;
	return (
		<li class={`entry${entry.code || entry.what === 'expired' ? ' bad' : ''}`} data-id={entry.id} tabIndex={-1}>
			<time class="quiet small" dateTime={new Date(entry.at).toISOString()}>
				{timeWords(entry.at, locale)}
			</time>
			<div>
				<p>{sentence(entry, locale)}</p>
				{entry.code && <p class="why small">{errorWords(entry.code)?.title}</p>}
				<Kinds kinds={short ? kinds : kinds.slice(0, FIRST)} />
				{!short && (
					<details class="small">
						<summary>{w.moreKinds(kinds.length - FIRST)}</summary>
						<Kinds kinds={kinds.slice(FIRST)} />
					</details>
				)}
			</div>
		</li>
	);
}

function Kinds({ kinds }: { kinds: string[] }) {
	if (!kinds.length) return null;
	return (
		<ul class="kinds quiet small" aria-label={w.kinds}>
			{kinds.map((kind) => (
				<li key={kind}>{kind}</li>
			))}
		</ul>
	);
}
