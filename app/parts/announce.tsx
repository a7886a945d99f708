import { useEffect, useRef, useState } from 'preact/hooks';

/** Milliseconds between two announcements: a screen reader is told how it goes, not every count. */
const PAUSE = 8_000;

/** Says `text` politely, at most every few seconds; always the newest. */
export function Announce({ text }: { text: string }) {
	const [said, say] = useState('');
	const last = useRef(0);
	useEffect(() => {
		const timer = setTimeout(
			() => {
				last.current = Date.now();
				say(text);
			},
			Math.max(300, last.current + PAUSE - Date.now()),
		);
		return () => clearTimeout(timer);
	}, [text]);
	return (
		<p class="hidden" role="status" aria-live="polite">
			{said}
		</p>
	);
}
