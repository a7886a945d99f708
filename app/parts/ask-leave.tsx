import type { ConnectionView } from '../../sw/contract.js';
import { leave as w } from '../words/leave.js';
import { words } from '../words.js';
import { Confirm } from './confirm.js';

/** Asks before one connection or all of them are removed. `onYes` gets what to say meanwhile, and once it is done. */
export function AskLeave(props: {
	what: ConnectionView | 'all';
	/** Everything was moved into a backup. */
	moved: boolean;
	onYes(doing: string, done: string): void;
	onNo(): void;
}) {
	const { what, moved } = props;
	const all = what === 'all';
	const body = all ? w.clearBody : w.removeBody;
	return (
		<Confirm
			title={all ? w.clearTitle : w.removeTitle(what.providerName)}
			body={moved ? `${body} ${w.movedBody}` : body}
			action={all ? words.connections.clear : words.connections.remove}
			onYes={() =>
				all
					? props.onYes(w.clearing, w.cleared)
					: props.onYes(w.removing(what.providerName), w.removed(what.providerName))
			}
			onNo={props.onNo}
		/>
	);
}
