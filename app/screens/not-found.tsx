import { Screen } from '../parts/screen.js';
import { notFound as w } from '../words/not-found.js';

export function NotFound() {
	return (
		<Screen title={w.title} lead={w.body} narrow>
			<div class="actions">
				<a class="button main" href="/">
					{w.link}
				</a>
			</div>
		</Screen>
	);
}
