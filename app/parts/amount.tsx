import type { ConnectionView, Estimate } from '../../sw/contract.js';
import { totalOf } from '../from.js';
import { agoWords, fromWords } from '../words/dates.js';
import { amountWords, basisWords, isMuch, estimate as w } from '../words/estimate.js';
import { locale } from '../words.js';

/** About how much the choice brings, in all and by connection. `tokens`: it is for an AI. */
export function Amount(props: {
	estimates: Estimate[];
	connections: ConnectionView[];
	asking: boolean;
	tokens: boolean;
	now: number;
}) {
	const { estimates, asking, tokens } = props;
	const total = totalOf(estimates);
	const all = amountWords(total, locale, tokens);
	const basis = ({ basis, at }: Estimate) =>
		basisWords(basis, at === null ? null : (basis === 'copy' ? fromWords : agoWords)(at, props.now, locale));
	const only = estimates.length === 1 ? estimates[0] : undefined;
	return (
		<section class="amount" role="status" aria-busy={asking}>
			{estimates.length === 0 ? (
				asking && <p class="quiet">{w.asking}</p>
			) : (
				<>
					<p>
						<span class="strong">{all ?? w.unknown}</span>
						{only && all && <span class="quiet"> ({basis(only)})</span>}
					</p>
					{!only && all && (
						<ul class="quiet small">
							{estimates.map((one) => (
								<li key={one.connectionId}>
									{props.connections.find(({ id }) => id === one.connectionId)?.providerName}:{' '}
									{[lower(amountWords(totalOf([one]), locale, tokens)), basis(one)].filter(Boolean).join(', ')}
								</li>
							))}
						</ul>
					)}
					{tokens && isMuch(total) && (
						<p class="quiet small">
							{w.much} {!only && w.fewer}
						</p>
					)}
				</>
			)}
		</section>
	);
}

/** Inside a line, after a name. */
function lower(text: string | null): string | null {
	return text && text.charAt(0).toLowerCase() + text.slice(1);
}
