import { Screen } from '../parts/screen.js';
import { words } from '../words.js';

export function NotFound() {
	return (
		<Screen title={words.notFound.title} lead={words.notFound.body} narrow>
			<div class="actions">
				<a class="button main" href="/">
					{words.notFound.link}
				</a>
			</div>
		</Screen>
	);
}
