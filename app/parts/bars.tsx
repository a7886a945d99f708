import { words } from '../words.js';
import { Icon } from './icons.js';

export function OfflineBar() {
	return (
		<p class="box warn" role="status">
			<Icon name="wifi" />
			<span>{words.common.offline}</span>
		</p>
	);
}

export function UpdateBar({ onReload }: { onReload(): void }) {
	return (
		<section class="update" role="status" aria-label={words.common.updateReady}>
			<span>{words.common.updateReady}</span>
			<button type="button" class="button small" onClick={onReload}>
				{words.common.reload}
			</button>
		</section>
	);
}
