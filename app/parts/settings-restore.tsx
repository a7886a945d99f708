import { useState } from 'preact/hooks';
import { BACKUP_MOST, type BackupEntry, type Reply, type WireError } from '../../sw/contract.js';
import { localError } from '../rpc.js';
import { attempt, call } from '../state.js';
import { backup as w } from '../words/backup.js';
import { locale } from '../words.js';
import { ErrorBox } from './error.js';
import { Entries, Progress, useFocus } from './settings-backup.js';

type Chosen = Reply<'backup.inspect'> & { text: string };

/** A file is looked at first; a wrong passphrase loses nothing, and the file stays chosen. */
export function Restore() {
	const [chosen, setChosen] = useState<Chosen | null>(null);
	const [passphrase, setPassphrase] = useState('');
	const [progress, setProgress] = useState<number | null>(null);
	const [error, setError] = useState<WireError | null>(null);
	const [restored, setRestored] = useState<BackupEntry[] | null>(null);

	const choose = async (file: File | undefined) => {
		setChosen(null);
		if (!file) return;
		const found = await attempt(async () => {
			if (file.size > BACKUP_MOST) throw localError('backup_invalid');
			const text = await file.text();
			return { ...(await call('backup.inspect', { file: text })), text };
		}, setError);
		if (found) setChosen(found);
	};
	const restore = async () => {
		if (!chosen || !passphrase || progress !== null) return;
		setProgress(0);
		const done = await attempt(async () => {
			const { backupKey } = await import('../backup-key.js');
			const key = await backupKey(passphrase, chosen.kdf, setProgress);
			setProgress(1);
			return call('backup.restore', { file: chosen.text, key });
		}, setError);
		setProgress(null);
		if (!done) return;
		setPassphrase('');
		setRestored(done.connections);
		// The first refresh proves that what came along works.
		call('connections.tend', {}).catch(() => undefined);
	};

	return (
		<section class="card set" aria-labelledby="restore">
			<h2 id="restore">{w.restoreTitle}</h2>
			{restored ? (
				<Restored entries={restored} />
			) : (
				<form
					onSubmit={(event) => {
						event.preventDefault();
						void restore();
					}}
				>
					<p>{w.restoreLead}</p>
					<label class="field">
						<span>{w.file}</span>
						<input
							type="file"
							accept=".jwe"
							aria-describedby="restore-hint"
							onChange={(event) => choose(event.currentTarget.files?.[0])}
						/>
					</label>
					<p class="quiet small" id="restore-hint">
						{chosen
							? w.from(new Intl.DateTimeFormat(locale, { dateStyle: 'long' }).format(chosen.createdAt))
							: w.fileHint}
					</p>
					{chosen && (
						<label class="field">
							<span>{w.passphrase}</span>
							<input
								type="password"
								autocomplete="off"
								required
								value={passphrase}
								aria-invalid={error?.code === 'backup_passphrase'}
								onInput={(event) => setPassphrase(event.currentTarget.value)}
							/>
						</label>
					)}
					{error && <ErrorBox error={error} />}
					<Progress part={progress} text={w.opening} />
					{chosen && (
						<div class="actions">
							<button type="submit" class="button main" aria-disabled={progress !== null}>
								{w.restore}
							</button>
						</div>
					)}
				</form>
			)}
		</section>
	);
}

function Restored({ entries }: { entries: BackupEntry[] }) {
	return (
		<>
			<div tabIndex={-1} ref={useFocus()}>
				<p class="strong">{w.restored}</p>
				<p>{entries.length ? w.old : w.nothing}</p>
			</div>
			<Entries entries={entries} good={w.here} />
			<div class="actions">
				<a class="button" href="/connections">
					{w.toConnections}
				</a>
			</div>
		</>
	);
}
