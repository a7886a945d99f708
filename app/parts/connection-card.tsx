import type { ComponentChildren } from 'preact';
import { attention, type ConnectionView, type ErrorCode } from '../../sw/contract.js';
import { agoWords, expiryWords, fromWords, sinceWords } from '../words/dates.js';
import { locale, words } from '../words.js';
import { errorWords } from './error-words.js';
import { Patient, Place } from './patient.js';

const w = words.connections;

/** What does not pass by itself, so that "could not be checked" would say too little. */
const EXPLAINED = new Set<ErrorCode>(['access_denied', 'client_rejected', 'assertion_refused']);

function Status({ connection }: { connection: ConnectionView }) {
	const [kind, text] =
		connection.status === 'expired'
			? ['bad', w.expired]
			: connection.refreshing
				? ['busy', w.refreshing]
				: connection.problem
					? ['warn', w.unchecked]
					: ['good', w.active];
	return (
		<p id={`s-${connection.id}`} class={`status ${kind}`}>
			<span class="hidden">{w.status} </span>
			{text}
		</p>
	);
}

/** Until when access is given. */
export function Ends({ connection, now }: { connection: ConnectionView; now: number }) {
	return (
		<span class={attention(connection, now) === 'ends' ? 'ends soon' : 'ends'}>
			{expiryWords(connection, now, locale)}
		</span>
	);
}

/** One connection, with everything known about it; the buttons are the caller's. */
export function ConnectionCard({
	connection,
	now,
	updating,
	children,
}: {
	connection: ConnectionView;
	now: number;
	/** Its copy is being brought up to date. */
	updating: boolean;
	children: ComponentChildren;
}) {
	const { problem, copy } = connection;
	return (
		<article class="card" aria-labelledby={`c-${connection.id}`}>
			<header class="card-head">
				<div>
					<h2 id={`c-${connection.id}`}>{connection.providerName}</h2>
					<Place location={connection.providerLocation} host={connection.host} />
				</div>
				<Status connection={connection} />
			</header>
			<Patient patient={connection.patient} />
			<ul class="facts">
				<li>{w.connected(agoWords(connection.connectedAt, now, locale))}</li>
				<li>{w.refreshed(agoWords(connection.lastRefreshedAt, now, locale))}</li>
				<li>
					<Ends connection={connection} now={now} />
				</li>
			</ul>
			{connection.deviceBound && connection.status === 'active' && <p class="quiet small">{w.deviceBound}</p>}
			{problem && (
				<p class="problem">
					{connection.status === 'active' && !EXPLAINED.has(problem.error.code)
						? w.problem(sinceWords(problem.since, now, locale))
						: `${errorWords(problem.error.code)?.title}.`}{' '}
					{errorWords(problem.error.code)?.body}
				</p>
			)}
			<a class="row-link" href={`/connections/${connection.id}`}>
				{w.records}
				{(updating || copy) && (
					<span>{updating ? w.updating : copy && w.copy(fromWords(copy.at, now, locale), copy.unread)}</span>
				)}
			</a>
			<div class="actions">{children}</div>
		</article>
	);
}
