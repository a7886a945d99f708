import type { ComponentChildren } from 'preact';
import type { Collecting, ConnectionView, From } from '../../sw/contract.js';
import { proposed } from '../from.js';
import { now, online } from '../state.js';
import type { useTrip } from '../trip.js';
import { words } from '../words.js';
import { ChoiceCard } from './choice-card.js';
import { ChooseAll } from './choose-all.js';
import { FromChoice } from './from-choice.js';

/** The connections that can be included, and where each one's records come from. */
export function Choices(props: {
	list: ConnectionView[];
	/** What is chosen, as far as it can be had. */
	include: string[];
	from: Record<string, From>;
	prefer: Collecting['prefer'];
	label: string;
	trip: ReturnType<typeof useTrip>;
	/** Where a sign-in comes back to. */
	here: string;
	/** `from`: of those chosen. */
	onChange(include: string[], from: Record<string, From>): void;
}) {
	const { list, include, from, trip } = props;
	const choose = (chosen: ConnectionView[]) =>
		props.onChange(
			chosen.map(({ id }) => id),
			Object.fromEntries(chosen.map((one) => [one.id, from[one.id] ?? proposed(one, props.prefer)])),
		);
	return (
		<>
			<ChooseAll list={list} include={include} onChoose={choose} />
			<div class="cards">
				{list.map((connection) => {
					const { id } = connection;
					return (
						<ChoiceCard
							key={id}
							connection={connection}
							now={now.value}
							label={props.label}
							checked={include.includes(id)}
							onChange={(on) => choose(list.filter((one) => (one.id === id ? on : include.includes(one.id))))}
							repair={
								<button
									type="button"
									class="button"
									disabled={trip.going !== null || !online.value}
									onClick={() => trip.go({ kind: 'reauthorize', connectionId: id }, props.here, null)}
								>
									{words.connections.reauthorize}
								</button>
							}
						>
							<FromChoice
								connection={connection}
								value={from[id] ?? 'provider'}
								now={now.value}
								onChange={(where) => props.onChange(include, { ...from, [id]: where })}
							/>
						</ChoiceCard>
					);
				})}
			</div>
		</>
	);
}

/** What the choice is for. `reason`: why not yet; the button can be found all the same. */
export function GoOn(props: {
	reason: string | null;
	hint?: string;
	busy: boolean;
	onGo(): void;
	children: ComponentChildren;
}) {
	const { reason, busy } = props;
	return (
		<div class="send">
			<button
				type="button"
				class="button main large"
				aria-disabled={reason !== null || busy}
				aria-describedby="go-reason"
				onClick={() => reason === null && !busy && props.onGo()}
			>
				{props.children}
			</button>
			<p id="go-reason" class="quiet" role="status">
				{reason ?? props.hint}
			</p>
		</div>
	);
}
