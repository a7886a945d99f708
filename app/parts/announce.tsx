import { useEffect, useRef, useState } from 'preact/hooks';

/** Milliseconds between two announcements: a screen reader is told how it goes, not every count. */
const PAUSE = 10_000;

/** Says `text` politely: at first, with each `turn`, and its newest every ten seconds. An empty one silences it at once. */
export function Announce({ text, turn = '' }: { text: string; turn?: string }) {
	const [said, say] = useState('');
	const newest = useRef(text);
	newest.current = text;
	const silent = text === '';
	useEffect(() => {
		if (silent) return say('');
		const tell = () => say(newest.current);
		// Screen readers miss what is in a region that appears with it.
		const first = setTimeout(tell, 300);
		const timer = setInterval(tell, PAUSE);
		return () => {
			clearTimeout(first);
			clearInterval(timer);
		};
	}, [silent, turn]);
	return (
		<p class="hidden" role="status" aria-live="polite">
			{said}
		</p>
	);
}
