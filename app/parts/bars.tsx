import { useState } from 'preact/hooks';
import { bars } from '../words/bars.js';
import { words } from '../words.js';
import { Icon } from './icons.js';

export function OfflineBar() {
	return (
		<p id="offline" class="box warn" role="status">
			<Icon name="wifi" />
			<span>{bars.offline}</span>
		</p>
	);
}

/** @param held nothing can be let in now: tokens are in the memory of the old version alone */
export function UpdateBar({ held, onReload }: { held: boolean; onReload(): void }) {
	const [going, setGoing] = useState(false);
	return (
		<section class="update" role="status" aria-label={bars.updateReady}>
			<span>{going && !held ? bars.updating : bars.updateReady}</span>
			<button
				type="button"
				class="button small"
				disabled={held}
				onClick={() => {
					setGoing(true);
					onReload();
				}}
			>
				{words.common.reload}
			</button>
		</section>
	);
}
