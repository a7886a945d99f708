import type { ConnectionView } from '../../sw/contract.js';
import { leave as w } from '../words/leave.js';
import { locale, words } from '../words.js';
import { Confirm } from './confirm.js';

/**
 * Asks before one connection or all of them are removed. `onYes` gets what to say meanwhile, and once it is done, with the
 * providers that did not confirm the end of access.
 */
export function AskLeave(props: {
	what: ConnectionView | 'all';
	/** Everything was moved into a backup. */
	moved: boolean;
	/** Whether there is a copy of records that goes with it. */
	copied: boolean;
	onYes(doing: string, done: (open: string[]) => string): void;
	onNo(): void;
}) {
	const { what } = props;
	const all = what === 'all';
	const body = [
		all ? w.clearBody : w.removeBody,
		props.copied && (all ? w.copiesToo : w.copyToo),
		props.moved && w.movedBody,
	];
	return (
		<Confirm
			title={all ? w.clearTitle : w.removeTitle(what.providerName)}
			body={body.filter(Boolean).join(' ')}
			action={all ? words.connections.clear : words.connections.remove}
			onYes={() =>
				all
					? props.onYes(w.clearing, (open) => said(w.cleared, open))
					: props.onYes(w.removing(what.providerName), (open) => said(w.removed(what.providerName), open))
			}
			onNo={props.onNo}
		/>
	);
}

function said(done: string, open: string[]): string {
	if (!open.length) return done;
	return `${done} ${w.open(new Intl.ListFormat(locale).format(open))}`;
}
