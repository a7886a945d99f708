import type { From, SessionView, WireError } from '../../sw/contract.js';
import { useEstimate, usePreferred } from '../estimate.js';
import { usable } from '../from.js';
import { Amount } from '../parts/amount.js';
import { Choices, GoOn } from '../parts/choices.js';
import { ErrorBox } from '../parts/error.js';
import { Icon } from '../parts/icons.js';
import { Screen } from '../parts/screen.js';
import { connections, now, online } from '../state.js';
import { useTrip } from '../trip.js';
import { leftWords, timeWords } from '../words/dates.js';
import { kindWords } from '../words/kinds.js';
import { session as w } from '../words/session.js';
import { locale, words } from '../words.js';

type Afterwards = 'keep' | 'clear';

/** Who asks, the match code, and the person's choice. */
export function Choose(props: {
	session: SessionView;
	error: WireError | null;
	busy: boolean;
	onChoose(change: { include?: string[]; from?: Record<string, From>; afterwards?: Afterwards }): void;
	onSend(include: string[], from: Record<string, From>): void;
}) {
	const { session, error } = props;
	const trip = useTrip();
	const list = connections.value;
	const here = `/connect/${session.sid}`;
	const { include, from } = usable(list, session.include, session.from);
	const prefer = usePreferred();
	const estimate = useEstimate(include, from, session.sid);
	const isNew = list.some((c) => c.newForSession === session.sid && include.includes(c.id));
	const reason = !online.value
		? w.reasonOffline
		: !include.length
			? w.reasonSelect
			: isNew && !session.afterwards
				? w.reasonAfter
				: null;
	return (
		<Screen title={w.asks(session.who ?? w.somebody)}>
			<p class="unverified">
				<Icon name="alert" />
				{w.unverified}
			</p>
			<div class="ask">
				<Request session={session} />
				<section class="card code" aria-labelledby="code">
					<h2 id="code">{w.code}</h2>
					<p class="digits">{session.code}</p>
					<p>{w.codeCheck}</p>
					<p class="quiet small">
						{w.open(timeWords(session.expiresAt, locale), leftWords(session.expiresAt, now.value))}
					</p>
				</section>
			</div>
			{(error ?? trip.error) && <ErrorBox error={(error ?? trip.error)!} />}
			<h2 class="section">{w.choose}</h2>
			{list.length === 0 ? (
				<section class="empty">
					<p>{w.emptyBody}</p>
					<a class="button main" href={`${here}/select`}>
						<Icon name="plus" />
						{words.connections.connect}
					</a>
				</section>
			) : (
				<>
					<Choices
						{...{ list, include, from, prefer, trip, here }}
						label={w.include}
						onChange={(chosen, where) => props.onChoose({ include: chosen, from: { ...session.from, ...where } })}
					/>
					<div class="actions">
						<a class="button" href={`${here}/select`}>
							<Icon name="plus" />
							{w.another}
						</a>
					</div>
					{isNew && <After value={session.afterwards} onChange={(afterwards) => props.onChoose({ afterwards })} />}
					<Amount {...estimate} connections={list} tokens now={now.value} />
					<GoOn reason={reason} hint={w.sendHint} busy={props.busy} onGo={() => props.onSend(include, from)}>
						<Icon name="lock" />
						{w.send}
					</GoOn>
				</>
			)}
		</Screen>
	);
}

function Request({ session }: { session: SessionView }) {
	return (
		<dl class="request">
			<dt>{w.why}</dt>
			<dd>{session.why || <span class="quiet">{w.whyNone}</span>}</dd>
			<dt>{w.wants}</dt>
			<dd>
				{session.wants.length === 0 ? (
					w.wantsAll
				) : (
					<ul class="chips">
						{session.wants.map((type) => (
							<li key={type}>{kindWords(type)}</li>
						))}
					</ul>
				)}
			</dd>
		</dl>
	);
}

/** What happens to a connection made for this session: asked, never assumed. */
function After({ value, onChange }: { value: Afterwards | null; onChange(value: Afterwards): void }) {
	return (
		<fieldset class="after">
			<legend>{w.after}</legend>
			<p class="quiet">{w.afterHint}</p>
			{(['keep', 'clear'] as const).map((option) => (
				<label key={option} class="radio">
					<input
						type="radio"
						name="after"
						required
						value={option}
						checked={value === option}
						aria-describedby={`after-${option}`}
						onChange={() => onChange(option)}
					/>
					<span>
						<span class="strong">{w[option]}</span>
					</span>
					<span id={`after-${option}`} class="quiet small">
						{option === 'keep' ? w.keepHint : w.clearHint}
					</span>
				</label>
			))}
		</fieldset>
	);
}
