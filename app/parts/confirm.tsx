import { useEffect, useId, useRef } from 'preact/hooks';
import { words } from '../words.js';
import './confirm.css';

/** Asks before something is deleted. Escape and "Cancel" change nothing; the focus returns to where it was. */
export function Confirm(props: { title: string; body: string; action: string; onYes(): void; onNo(): void }) {
	const dialog = useRef<HTMLDialogElement>(null);
	const id = useId();
	useEffect(() => {
		const element = dialog.current;
		const before = document.activeElement;
		element?.showModal();
		return () => {
			element?.close();
			if (before instanceof HTMLElement && before.isConnected) before.focus();
		};
	}, []);
	return (
		<dialog
			ref={dialog}
			aria-labelledby={`${id}t`}
			aria-describedby={`${id}b`}
			onCancel={(event) => {
				event.preventDefault();
				props.onNo();
			}}
		>
			<h2 id={`${id}t`}>{props.title}</h2>
			<p id={`${id}b`}>{props.body}</p>
			<div class="actions end">
				<button type="button" class="button" onClick={props.onNo}>
					{words.common.cancel}
				</button>
				<button type="button" class="button danger" onClick={props.onYes}>
					{props.action}
				</button>
			</div>
		</dialog>
	);
}
