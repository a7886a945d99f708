import { useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import type { OtherPatient, WireError } from '../../sw/contract.js';
import { attempt, call, connections, forgetAll, jobs, now, overview } from '../state.js';
import { sinceWords } from '../words/dates.js';
import { other, paused, underWay, unsaved } from '../words/standing.js';
import { locale } from '../words.js';
import { Confirm } from './confirm.js';
import { ErrorBox } from './error.js';
import { Icon } from './icons.js';

/** What has to be said on whatever screen until it is over. It is the worker's word, so it survives a reload and is in every tab. */
export function Standing() {
	const state = overview.value;
	return (
		<>
			{state?.unsaved && (
				<div class="box bad" role="alert">
					<Icon name="alert" />
					<div>
						<p class="strong">{unsaved.title}</p>
						<p>{unsaved.body}</p>
					</div>
				</div>
			)}
			{state?.otherPatient && <Other key={state.otherPatient.id} arrival={state.otherPatient} />}
			{state?.paused && <Paused since={state.paused.since} />}
			<UnderWay />
		</>
	);
}

/** The way back to what goes on, or waits for an answer, on another screen. */
function UnderWay() {
	const { path } = useLocation();
	return (overview.value?.jobs ?? []).map((listed) => {
		const { id, kind, sid, status } = jobs.value[listed.id] ?? listed;
		const to = kind === 'send' ? `/connect/${sid}` : '/collect';
		if (kind === 'keep' || status === 'done' || status === 'cancelled' || path === to) return null;
		const stopped = status === 'failed';
		return (
			<p key={id} class={stopped ? 'box warn' : 'box calm'}>
				<Icon name={stopped ? 'alert' : 'clock'} />
				<span>
					{underWay[stopped ? 'stopped' : kind]} <a href={to}>{underWay.show}</a>
				</span>
			</p>
		);
	});
}

/** Once it is answered, what was asked is gone, and the focus with it. */
function focusMain(): void {
	document.getElementById('main')?.focus({ preventScroll: true });
}

/** What was pressed is under way. It is there from the start, so that screen readers hear it change. */
function Doing({ text }: { text: string | null }) {
	return (
		<p class={text ? 'strong' : 'hidden'} role="status">
			{text}
		</p>
	);
}

function Other({ arrival }: { arrival: OtherPatient }) {
	const [error, setError] = useState<WireError | null>(null);
	const [busy, setBusy] = useState<'add' | 'cancel' | null>(null);
	const owner = connections.value.find(({ id }) => id === arrival.connectionId)?.patient?.name ?? null;
	const name = arrival.patient?.name ?? null;
	const settle = async (choice: 'add' | 'cancel') => {
		if (busy) return;
		setBusy(choice);
		if (await attempt(() => call('connect.settle', { id: arrival.id, choice }), setError)) focusMain();
		setBusy(null);
	};
	return (
		<section class="box warn" aria-labelledby="other">
			<Icon name="alert" />
			<div>
				<h2 id="other">{other.title}</h2>
				<div role="alert">
					<p>{other.body(name, arrival.providerName, owner)}</p>
					{arrival.known && <p>{other.known(name)}</p>}
				</div>
				<p>{other.wait}</p>
				{error && <ErrorBox error={error} />}
				<Doing text={busy && other.settling[busy]} />
				<div class="actions">
					<button type="button" class="button main" aria-disabled={busy !== null} onClick={() => settle('add')}>
						{arrival.known ? other.renew : other.add}
					</button>
					<button type="button" class="button" aria-disabled={busy !== null} onClick={() => settle('cancel')}>
						{other.cancel}
					</button>
				</div>
			</div>
		</section>
	);
}

function Paused({ since }: { since: number }) {
	const [error, setError] = useState<WireError | null>(null);
	const [asking, setAsking] = useState<'resume' | 'forget' | null>(null);
	const [busy, setBusy] = useState<typeof asking>(null);
	const act = async () => {
		const what = asking;
		setAsking(null);
		setBusy(what);
		const worked = await attempt(async () => {
			await (what === 'forget' ? forgetAll('backup.forget') : call('backup.resume', {}));
			return true;
		}, setError);
		setBusy(null);
		if (worked) focusMain();
	};
	const ask = (what: typeof asking) => busy || setAsking(what);
	return (
		<section class="box warn" aria-labelledby="paused">
			<Icon name="clock" />
			<div>
				<h2 id="paused">{paused.title}</h2>
				<p>{paused.body(sinceWords(since, now.value, locale))}</p>
				{error && <ErrorBox error={error} />}
				<Doing text={busy && paused.doing[busy]} />
				<div class="actions">
					<button type="button" class="button" aria-disabled={busy !== null} onClick={() => ask('forget')}>
						{paused.forget}
					</button>
					<button type="button" class="button" aria-disabled={busy !== null} onClick={() => ask('resume')}>
						{paused.resume}
					</button>
				</div>
			</div>
			{asking && (
				<Confirm
					title={paused[`${asking}Title`]}
					body={paused[`${asking}Body`]}
					action={paused[asking]}
					onYes={act}
					onNo={() => setAsking(null)}
				/>
			)}
		</section>
	);
}
