import type { ComponentChildren } from 'preact';
import type { WireError } from '../../sw/contract.js';
import { timeWords } from '../words/dates.js';
import { error as w } from '../words/error.js';
import { locale, words } from '../words.js';
import { errorWords } from './error-words.js';
import { Icon } from './icons.js';
import { Opening, Screen } from './screen.js';

/** What failed here or at the relay: whoever runs it finds the reference in its log. */
const OURS = /^(internal|relay_)/;

/** The sentence for an error, when to try again, and the reference that finds it in the logs. */
export function ErrorText({ error }: { error: WireError }) {
	return (
		<>
			<p>
				{errorWords(error.code)?.body}
				{error.retryAt !== undefined && ` ${w.retryAt(timeWords(error.retryAt, locale))}`}
			</p>
			{OURS.test(error.code) && <p class="quiet small">{w.reference(error.correlationId)}</p>}
		</>
	);
}

/** An error beside what it concerns. */
export function ErrorBox({ error, children }: { error: WireError; children?: ComponentChildren }) {
	const sentences = errorWords(error.code);
	if (!sentences) return null;
	return (
		<div class="box bad" role="alert">
			<Icon name="alert" />
			<div>
				<p class="strong">{sentences.title}</p>
				<ErrorText error={error} />
				{children && <div class="actions">{children}</div>}
			</div>
		</div>
	);
}

/** An error that is all there is to show. */
export function ErrorScreen({ error, children }: { error: WireError; children?: ComponentChildren }) {
	const sentences = errorWords(error.code);
	if (!sentences) return <Opening />;
	return (
		<Screen title={sentences.title} narrow>
			<div class="prose">
				<ErrorText error={error} />
			</div>
			<div class="actions">{children}</div>
		</Screen>
	);
}

/** The start has failed: nothing but loading again can help. */
export function Broken({ error }: { error: WireError }) {
	return (
		<ErrorScreen error={error}>
			<button type="button" class="button main" onClick={() => location.reload()}>
				{words.common.reload}
			</button>
		</ErrorScreen>
	);
}
