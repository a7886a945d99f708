import type { ConnectionView, Notice } from '../../sw/contract.js';
import { notices as w } from '../words/notices.js';
import { words } from '../words.js';
import { errorWords } from './error-words.js';
import { Icon } from './icons.js';

/** What came of the trip to a provider. */
export function NoticeBar(props: { notice: Notice; connections: ConnectionView[]; onDismiss(): void }) {
	const { notice } = props;
	const name =
		(notice.kind === 'error'
			? notice.providerName
			: props.connections.find(({ id }) => id === notice.connectionId)?.providerName) ?? w.provider;
	const bad = notice.kind === 'error';
	const sentences = notice.kind === 'error' ? errorWords(notice.error.code) : null;
	if (bad && !sentences) return null;
	return (
		<div class={`box ${bad ? 'bad' : 'good'}`} role={bad ? 'alert' : 'status'}>
			<Icon name={bad ? 'alert' : 'check'} />
			<div>
				{notice.kind === 'error' ? (
					<>
						<p class="strong">{w.errorAt(name, sentences?.title ?? '')}</p>
						<p>{sentences?.body}</p>
					</>
				) : (
					<p class="strong">{w[notice.kind](name)}</p>
				)}
			</div>
			<button type="button" class="button icon-only" aria-label={words.common.dismiss} onClick={props.onDismiss}>
				<Icon name="cross" />
			</button>
		</div>
	);
}
