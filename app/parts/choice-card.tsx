import type { ComponentChildren } from 'preact';
import type { ConnectionView } from '../../sw/contract.js';
import { words } from '../words.js';
import { Ends } from './connection-card.js';
import { Patient, Place } from './patient.js';

/** A connection that can be included; one whose access has ended only from its copy, and it shows what helps. */
export function ChoiceCard(props: {
	connection: ConnectionView;
	now: number;
	label: string;
	checked: boolean;
	onChange(checked: boolean): void;
	/** Shown on an expired connection. */
	repair: ComponentChildren;
	/** Fresh or from the copy; shown once it is chosen. */
	children?: ComponentChildren;
}) {
	const { connection } = props;
	const expired = connection.status === 'expired';
	const off = expired && !connection.copy;
	const id = `i-${connection.id}`;
	return (
		<article class={`card choice${props.checked ? ' chosen' : ''}${off ? ' off' : ''}`} aria-labelledby={`${id}-n`}>
			<div class="card-head">
				<div>
					<h3 id={`${id}-n`}>{connection.providerName}</h3>
					<Place location={connection.providerLocation} host={connection.host} />
				</div>
				{expired && <p class="status bad">{words.connections.expired}</p>}
			</div>
			<Patient patient={connection.patient} />
			<p class="facts">
				<Ends connection={connection} now={props.now} />
			</p>
			<div class="choice-row">
				<label class="check" for={id}>
					<input
						id={id}
						type="checkbox"
						checked={props.checked}
						disabled={off}
						onChange={(event) => props.onChange(event.currentTarget.checked)}
					/>
					<span>
						{props.label}
						<span class="hidden">: {connection.providerName}</span>
					</span>
				</label>
				{expired && props.repair}
			</div>
			{props.checked && props.children}
		</article>
	);
}
