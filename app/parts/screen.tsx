import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { words } from '../words.js';

/** One screen: the main landmark, its heading and the document's title. */
export function Screen({
	title,
	documentTitle,
	lead,
	children,
	narrow = false,
	eyebrow,
}: {
	title: string;
	/** Where it is not the title with the app's name. */
	documentTitle?: string;
	lead?: ComponentChildren;
	children?: ComponentChildren;
	narrow?: boolean;
	eyebrow?: ComponentChildren;
}) {
	useEffect(() => {
		document.title = documentTitle ?? `${title} · ${words.common.name}`;
	}, [title, documentTitle]);
	return (
		<div class={narrow ? 'screen narrow' : 'screen'}>
			{eyebrow}
			<h1>{title}</h1>
			{lead && <p class="lead">{lead}</p>}
			{children}
		</div>
	);
}

/** Shown while the worker is asked; appears only when that takes a moment. */
export function Opening({ text = words.common.opening }: { text?: string }) {
	return (
		<p class="opening" role="status">
			{text}
		</p>
	);
}
