import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { ConnectTarget, ProviderView, Reply, WireError } from '../../sw/contract.js';
import { addressFault } from '../address.js';
import { ErrorBox } from '../parts/error.js';
import { errorWords } from '../parts/error-words.js';
import { Icon } from '../parts/icons.js';
import { Place } from '../parts/patient.js';
import { Screen } from '../parts/screen.js';
import { attempt, call, online } from '../state.js';
import { useTrip } from '../trip.js';
import { countWords } from '../words/amounts.js';
import { select as w } from '../words/select.js';
import { locale, words } from '../words.js';
import './select.css';

/** Providers that are shown at once. */
const PAGE = 30;

/** An answer, and what was asked. */
type Found = Reply<'providers.search'> & { query: string };

type Chosen = { target: ConnectTarget; name: string };

/** Finding a provider, for the connections (`/connections/select`) or for a session (`/connect/:sid/select`). */
export function Select({ sid }: { sid?: string }) {
	const [chosen, setChosen] = useState<Chosen | null>(null);
	const home = sid ? `/connect/${sid}` : '/connections';
	if (chosen) return <Before chosen={chosen} sid={sid ?? null} returnTo={home} onOther={() => setChosen(null)} />;
	return (
		<Screen
			title={w.title}
			lead={w.lead}
			narrow
			eyebrow={
				<a class="back" href={home}>
					<Icon name="back" />
					{sid ? w.backToSession : w.backToConnections}
				</a>
			}
		>
			{!online.value && <p class="quiet">{w.offlineSearch}</p>}
			<Search onChoose={setChosen} />
			<OtherServer onChoose={setChosen} />
		</Screen>
	);
}

function Search({ onChoose }: { onChoose(chosen: Chosen): void }) {
	const [text, setText] = useState('');
	const [limit, setLimit] = useState(PAGE);
	const [found, setFound] = useState<Found | null>(null);
	const [error, setError] = useState<WireError | null>(null);
	const [tries, setTries] = useState(0);
	const list = useRef<HTMLUListElement>(null);

	// Asked with every keystroke: the worker has the directory in memory. Only the newest question's answer is shown.
	useEffect(() => {
		let stale = false;
		const query = text.trim();
		attempt(
			() => call('providers.search', { text: query, limit }),
			(problem) => stale || setError(problem),
		).then((reply) => !stale && reply && setFound({ ...reply, query }));
		return () => {
			stale = true;
		};
	}, [text, limit, tries]);

	/** The keyboard goes on with the first of those that came. */
	const next = useRef<number | null>(null);
	useEffect(() => {
		if (next.current === null) return;
		list.current?.querySelectorAll('button')[next.current]?.focus();
		next.current = null;
	}, [found]);

	/** Arrows move between the box and the rows, besides the tabulator. */
	const move = (event: KeyboardEvent) => {
		const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
		if (!step) return;
		const rows = [...(list.current?.querySelectorAll('button') ?? [])];
		const next = rows.findIndex((row) => row.matches(':focus')) + step;
		const target = next < 0 ? document.getElementById('search') : rows[Math.min(next, rows.length - 1)];
		if (!target) return;
		event.preventDefault();
		target.focus();
	};

	return (
		// biome-ignore lint/a11y/noStaticElementInteractions: only listens to arrow keys of the controls inside.
		<div onKeyDown={move}>
			<search>
				<form
					onSubmit={(event) => {
						event.preventDefault();
						list.current?.querySelector('button')?.focus();
					}}
				>
					<label class="field search">
						<span>{w.search}</span>
						<Icon name="search" />
						<input
							id="search"
							type="search"
							autocomplete="off"
							spellcheck={false}
							value={text}
							onInput={(event) => {
								setText(event.currentTarget.value);
								setLimit(PAGE);
							}}
						/>
					</label>
				</form>
			</search>
			{error && (
				<ErrorBox error={error}>
					<button type="button" class="button" onClick={() => setTries(tries + 1)}>
						{words.common.tryAgain}
					</button>
				</ErrorBox>
			)}
			<p class="quiet small count-line" role="status">
				{found ? foundWords(found) : error ? '' : w.searching}
			</p>
			<ul class="rows" ref={list} aria-label={w.results}>
				{found?.providers.map((provider) => (
					<li key={provider.id}>
						<button type="button" onClick={() => onChoose(chooseProvider(provider))}>
							<span>
								<span class="strong">{provider.name}</span>
								<Place location={provider.location} host={provider.host} />
							</span>
							<Icon name="arrow" />
						</button>
					</li>
				))}
			</ul>
			{found && found.total > found.providers.length && (
				<div class="actions more">
					<button
						type="button"
						class="button"
						onClick={() => {
							next.current = found.providers.length;
							setLimit(found.providers.length + PAGE);
						}}
					>
						{w.more}
					</button>
				</div>
			)}
		</div>
	);
}

function foundWords({ providers, total, query }: Found): string {
	if (!total) return query ? w.none(query) : w.noneAtAll;
	return w.found(countWords(providers.length, locale), countWords(total, locale));
}

function chooseProvider({ id, name }: ProviderView): Chosen {
	return { target: { kind: 'provider', providerId: id }, name };
}

function OtherServer({ onChoose }: { onChoose(chosen: Chosen): void }) {
	const [fault, setFault] = useState<ReturnType<typeof addressFault>>(null);
	const base = useRef<HTMLInputElement>(null);
	const sentences = fault && errorWords(fault);
	return (
		<details class="other">
			<summary>{w.otherTitle}</summary>
			<p>{w.otherBody}</p>
			<form
				onSubmit={(event) => {
					event.preventDefault();
					const data = new FormData(event.currentTarget);
					const fhirBaseUrl = String(data.get('base')).trim();
					const refused = addressFault(fhirBaseUrl);
					setFault(refused);
					if (refused) return base.current?.focus();
					const clientId = String(data.get('client')).trim();
					onChoose({ target: { kind: 'custom', fhirBaseUrl, clientId }, name: new URL(fhirBaseUrl).host });
				}}
			>
				<label class="field">
					<span>{w.baseUrl}</span>
					<input
						ref={base}
						name="base"
						inputMode="url"
						autocomplete="off"
						spellcheck={false}
						required
						aria-invalid={fault !== null}
						aria-describedby="base-fault base-hint"
						onInput={() => setFault(null)}
					/>
				</label>
				{sentences && (
					<p id="base-fault" class="problem" role="alert">
						{sentences.title}. {sentences.body}
					</p>
				)}
				<p id="base-hint" class="quiet small hint">
					{w.baseUrlHint}
				</p>
				<label class="field">
					<span>{w.clientId}</span>
					<input name="client" autocomplete="off" spellcheck={false} required />
				</label>
				<div class="actions">
					<button type="submit" class="button">
						{w.next}
					</button>
				</div>
			</form>
		</details>
	);
}

function Before(props: { chosen: Chosen; sid: string | null; returnTo: string; onOther(): void }) {
	const { target, name } = props.chosen;
	const trip = useTrip();
	// With the screen, not after it: the focus must not be taken from somebody who is quick with the tabulator.
	useLayoutEffect(() => document.getElementById('main')?.focus(), []);
	/** Asking once more changes nothing for this provider. */
	const closed = trip.error?.code === 'cors';
	const stopped = trip.going !== null || !online.value;
	return (
		<Screen title={w.beforeTitle} lead={w.beforeLead(name)} narrow>
			<p class="box calm">
				<Icon name="clock" />
				<span>{w.tip(name)}</span>
			</p>
			{trip.error && <ErrorBox error={trip.error} />}
			<p id="go-reason" class="quiet" role="status">
				{trip.going ? w.checking(name) : !online.value && !closed && w.offline}
			</p>
			<div class="actions">
				{!closed && (
					<button
						type="button"
						class="button main"
						aria-disabled={stopped}
						aria-describedby="go-reason"
						onClick={() => stopped || trip.go(target, props.returnTo, props.sid)}
					>
						{w.go(name)}
						<Icon name="arrow" />
					</button>
				)}
				<button type="button" class={closed ? 'button main' : 'button plain'} onClick={props.onOther}>
					{w.other}
				</button>
			</div>
		</Screen>
	);
}
