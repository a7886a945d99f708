import { backup as w } from '../words/backup.js';

export function Backup() {
	return (
		<section>
			<h2>{w.title}</h2>
		</section>
	);
}
