import { useEffect, useState } from 'preact/hooks';
import type { Collecting, ConnectionView, WireError } from '../../sw/contract.js';
import { wakeForCopies } from '../notify.js';
import { attempt, call, connections, now, overview } from '../state.js';
import { bytesWords, recordsWords } from '../words/amounts.js';
import { copies as w } from '../words/copies.js';
import { fromWords } from '../words/dates.js';
import { locale } from '../words.js';
import { ErrorBox } from './error.js';
import './settings-records.css';

/** Copies of records on this device: what is proposed, how often they are read, and which there are. */
export function Copies() {
	const [collecting, setCollecting] = useState<Collecting | null>(null);
	const [error, setError] = useState<WireError | null>(null);
	const [said, say] = useState('');
	const list = connections.value;

	useEffect(() => {
		void attempt(async () => setCollecting(await call('collecting.get', {})), setError);
	}, []);

	const set = async (change: Partial<Collecting>) => {
		if (!collecting) return;
		const next = { ...collecting, ...change };
		setCollecting(next);
		say('');
		const saved = await attempt(async () => {
			await call('collecting.set', next);
			if (change.schedule) await wakeForCopies(change.schedule !== 'off');
			return true;
		}, setError);
		if (saved) say(w.saved);
		else setCollecting(collecting);
	};

	return (
		<section class="card set" aria-labelledby="copies">
			<h2 id="copies">{w.title}</h2>
			<p class="quiet">{w.lead}</p>
			{error && <ErrorBox error={error} />}
			{collecting && (
				<>
					<Options
						legend={w.prefer}
						name="prefer"
						value={collecting.prefer}
						options={w.preferOptions}
						onChange={(prefer) => set({ prefer })}
					/>
					<Options
						legend={w.schedule}
						name="schedule"
						value={collecting.schedule}
						options={w.scheduleOptions}
						onChange={(schedule) => set({ schedule })}
					/>
					<p class="quiet small">
						{w.scheduleHint} {overview.value?.lock !== 'off' && w.scheduleLocked}
					</p>
				</>
			)}
			<p class={said ? 'small' : 'hidden'} role="status">
				{said}
			</p>
			<h3>{w.listTitle}</h3>
			<List list={list} />
		</section>
	);
}

/** One of a few: a name, or a name and what it means. */
function Options<T extends string>(props: {
	legend: string;
	name: string;
	value: T;
	options: Record<T, string | readonly string[]>;
	onChange(value: T): void;
}) {
	return (
		<fieldset class="options">
			<legend class="strong">{props.legend}</legend>
			{(Object.entries(props.options) as [T, string | readonly string[]][]).map(([value, words]) => {
				const [label, hint] = [words].flat();
				return (
					<label key={value}>
						<input
							type="radio"
							name={props.name}
							checked={props.value === value}
							onChange={() => props.onChange(value)}
						/>
						<span>
							{label}
							{hint && <span class="quiet small">{hint}</span>}
						</span>
					</label>
				);
			})}
		</fieldset>
	);
}

function held({ keep, copy }: ConnectionView): string {
	if (!copy) return keep ? w.pending : w.notKept;
	return w.each(
		recordsWords(copy.resources, locale),
		bytesWords(copy.bytes, locale),
		fromWords(copy.at, now.value, locale),
		copy.unread > 0,
	);
}

function List({ list }: { list: ConnectionView[] }) {
	const total = list.reduce((sum, { copy }) => sum + (copy?.bytes ?? 0), 0);
	if (!list.length) return <p class="quiet">{w.listEmpty}</p>;
	return (
		<>
			<ul class="rows held-rows">
				{list.map((connection) => (
					<li key={connection.id}>
						<p>
							<span class="strong">{connection.providerName}</span>
							<span class="facts">{held(connection)}</span>
						</p>
						<a class="button" href={`/connections/${connection.id}`} aria-label={w.openFor(connection.providerName)}>
							{w.open}
						</a>
					</li>
				))}
			</ul>
			{total > 0 && <p class="quiet small">{w.total(bytesWords(total, locale))}</p>}
		</>
	);
}
