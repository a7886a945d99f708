import { install as w } from '../words/install.js';
import { Icon } from './icons.js';

/** The offer to install: with the browser's own dialog, or with the steps where the browser has none. */
export function InstallOffer(props: { kind: 'prompt' | 'ios'; onInstall(): void; onLater(): void }) {
	const ios = props.kind === 'ios';
	return (
		<aside class="box calm" aria-label={ios ? w.iosTitle : w.title}>
			<Icon name="device" />
			<div>
				<p class="strong">{ios ? w.iosTitle : w.title}</p>
				<p>{ios ? w.iosWhy : w.body}</p>
				{ios && (
					<ol class="list">
						{w.iosSteps.map((step) => (
							<li key={step}>{step}</li>
						))}
					</ol>
				)}
				<div class="actions">
					{!ios && (
						<button type="button" class="button" onClick={props.onInstall}>
							{w.button}
						</button>
					)}
					<button type="button" class="button plain" onClick={props.onLater}>
						{w.later}
					</button>
				</div>
			</div>
		</aside>
	);
}
