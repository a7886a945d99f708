import { reminders as w } from '../words/reminders.js';

export function Reminders() {
	return (
		<section>
			<h2>{w.title}</h2>
		</section>
	);
}
