import type { ConnectionView, From } from '../../sw/contract.js';
import { fromWords } from '../words/dates.js';
import { from as w } from '../words/estimate.js';
import { locale } from '../words.js';

/** Fresh or kept, for a chosen connection that has a copy on this device. */
export function FromChoice(props: {
	connection: ConnectionView;
	value: From;
	now: number;
	onChange(value: From): void;
}) {
	const { connection, value } = props;
	if (!connection.copy) return null;
	const { unread } = connection.copy;
	const ago = fromWords(connection.copy.at, props.now, locale);
	if (connection.status === 'expired') return <p class="quiet small">{w.onlyCopy(ago)}</p>;
	return (
		<fieldset class="from">
			<legend class="hidden">{w.legend(connection.providerName)}</legend>
			{(['copy', 'provider'] as const).map((option) => (
				<label key={option} class={value === option ? 'picked' : ''}>
					<input
						type="radio"
						name={`from-${connection.id}`}
						checked={value === option}
						onChange={() => props.onChange(option)}
					/>
					<span>
						<span class="strong">{option === 'copy' ? w.copy(ago) : w.provider}</span>
						<span class="quiet small">
							{option === 'provider' ? w.providerHint : unread > 0 ? w.copyLacks(unread) : w.copyHint}
						</span>
					</span>
				</label>
			))}
		</fieldset>
	);
}
