import { lock as w } from '../words/lock.js';

export function Lock() {
	return (
		<section>
			<h2>{w.title}</h2>
		</section>
	);
}
