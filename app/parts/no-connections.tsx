import { noConnections as w } from '../words/no-connections.js';
import { words } from '../words.js';
import { Icon } from './icons.js';

/** What to do first. */
export function NoConnections() {
	return (
		<section class="empty">
			<Icon name="box" />
			<h2>{w.title}</h2>
			<p>{w.body}</p>
			<a class="button main" href="/connections/select">
				<Icon name="plus" />
				{words.connections.connect}
			</a>
		</section>
	);
}
