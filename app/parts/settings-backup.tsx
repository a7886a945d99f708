import { useEffect, useRef, useState } from 'preact/hooks';
import { type BackupEntry, backupPath, type WireError } from '../../sw/contract.js';
import { SHORTEST, strength } from '../passphrase.js';
import { attempt, call, connections, overview } from '../state.js';
import { backup as w } from '../words/backup.js';
import { ErrorBox } from './error.js';
import { Restore } from './settings-restore.js';
import './settings-backup.css';

/** Moving to another browser and from one: a backup under a passphrase, and its restoring. */
export function Backup() {
	const [made, setMade] = useState<BackupEntry[] | null>(null);
	const paused = !!overview.value?.paused;
	return (
		<>
			<section class="card set" aria-labelledby="backup">
				<h2 id="backup">{w.title}</h2>
				{made && paused ? (
					<Made entries={made} />
				) : paused ? (
					<p>{w.handedOver}</p>
				) : (
					<>
						<p>{w.lead}</p>
						<ul class="bullets">
							{w.points.map((text) => (
								<li key={text}>{text}</li>
							))}
						</ul>
						<Start onMade={setMade} />
					</>
				)}
			</section>
			{!paused && <Restore />}
		</>
	);
}

interface Making {
	onMade(entries: BackupEntry[]): void;
}

function Start({ onMade }: Making) {
	const [open, setOpen] = useState(false);
	if (connections.value.length === 0) return <p class="quiet">{w.none}</p>;
	if (overview.value?.jobs.some(({ status }) => status === 'running' || status === 'waiting')) {
		return <p class="quiet">{w.working}</p>;
	}
	if (open) return <Make onMade={onMade} />;
	return (
		<div class="actions">
			<button type="button" class="button" onClick={() => setOpen(true)}>
				{w.start}
			</button>
		</div>
	);
}

function Make({ onMade }: Making) {
	const [first, setFirst] = useState('');
	const [second, setSecond] = useState('');
	const [tried, setTried] = useState(false);
	const [progress, setProgress] = useState<number | null>(null);
	const [error, setError] = useState<WireError | null>(null);
	const input = useRef<HTMLInputElement>(null);
	const hard = strength(first);
	const weak = hard === 'short' || hard === 'simple';
	const differ = second !== first;

	// What was pressed is gone.
	useEffect(() => input.current?.focus(), []);

	const make = async () => {
		setTried(true);
		if (weak || differ || progress !== null) return;
		setProgress(0);
		const done = await attempt(async () => {
			const { backupKey, newKdf } = await import('../backup-key.js');
			const kdf = newKdf();
			const key = await backupKey(first, kdf, setProgress);
			setProgress(1);
			return call('backup.create', { key, kdf });
		}, setError);
		setProgress(null);
		if (!done) return;
		onMade(done.connections);
		// A navigation that ends as a download: the file's octets never reach this page.
		location.assign(backupPath(done.id));
	};

	return (
		<form
			onSubmit={(event) => {
				event.preventDefault();
				void make();
			}}
		>
			<Bound />
			<label class="field">
				<span>{w.passphrase}</span>
				<input
					type="password"
					autocomplete="new-password"
					ref={input}
					value={first}
					aria-describedby="backup-hint"
					aria-invalid={tried && weak}
					onInput={(event) => setFirst(event.currentTarget.value)}
				/>
			</label>
			<p class={tried && weak ? 'problem' : 'quiet small'} id="backup-hint" role={tried && weak ? 'alert' : undefined}>
				{first.length >= SHORTEST || (tried && weak) ? w.strength[hard] : w.hint}
			</p>
			<label class="field">
				<span>{w.again}</span>
				<input
					type="password"
					autocomplete="new-password"
					value={second}
					aria-describedby="backup-differ"
					aria-invalid={tried && differ}
					onInput={(event) => setSecond(event.currentTarget.value)}
				/>
			</label>
			<p class={tried && !weak && differ ? 'problem' : 'hidden'} id="backup-differ" role="alert">
				{tried && !weak && differ ? w.differ : ''}
			</p>
			{error && <ErrorBox error={error} />}
			<Progress part={progress} text={w.sealing} />
			<div class="actions">
				<button type="submit" class="button main" aria-disabled={progress !== null}>
					{w.make}
				</button>
			</div>
		</form>
	);
}

/** Told before, so that nobody is surprised by it in the other browser. */
function Bound() {
	const names = connections.value
		.filter(({ deviceBound, status }) => deviceBound || status === 'expired')
		.map(({ providerName }) => providerName);
	return names.length ? <p>{w.bound(names.join(', '))}</p> : null;
}

/** `part`: 0 to 1 while the key is made, 1 while the worker is at it, null when nothing is. */
export function Progress({ part, text }: { part: number | null; text: string }) {
	return (
		<>
			<p class={part === null ? 'hidden' : 'quiet'} role="status">
				{part === null ? '' : part < 1 ? w.key : text}
			</p>
			{part !== null && <progress max={1} value={part} aria-label={w.key} />}
		</>
	);
}

/** What came of it takes the place of what was pressed, and the focus with it. */
export function useFocus() {
	const element = useRef<HTMLDivElement>(null);
	useEffect(() => element.current?.focus(), []);
	return element;
}

function Made({ entries }: { entries: BackupEntry[] }) {
	return (
		<>
			<div tabIndex={-1} ref={useFocus()}>
				<p class="strong">{w.madeTitle}</p>
				<p>{w.made}</p>
			</div>
			<ol class="list">
				{w.steps.map((text) => (
					<li key={text}>{text}</li>
				))}
			</ol>
			<Entries entries={entries} good={w.moved} />
		</>
	);
}

/** What is in a backup, and what of it has to be signed in to again; `good` is said of the others. */
export function Entries({ entries, good }: { entries: BackupEntry[]; good: string }) {
	return (
		<ul class="entries">
			{entries.map(({ providerName, patientName, reauthorize }) => (
				<li key={`${providerName} ${patientName}`}>
					<span>
						<span class="strong">{providerName}</span> {patientName}
					</span>
					<span class={reauthorize ? 'problem' : 'quiet'}>{reauthorize ? w.reauthorize : good}</span>
				</li>
			))}
		</ul>
	);
}
