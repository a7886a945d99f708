import { useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { takePasted } from '../fragment.js';
import { Icon } from '../parts/icons.js';
import { Screen } from '../parts/screen.js';
import { connections } from '../state.js';
import { home as w } from '../words/home.js';
import { words } from '../words.js';
import './home.css';

const icons = ['device', 'lock', 'shield'] as const;

export function Home() {
	const some = connections.value.length > 0;
	return (
		<Screen title={w.title} documentTitle={words.common.name} lead={w.lead}>
			<div class="actions">
				<a class="button main large" href={some ? '/connections' : '/connections/select'}>
					{some ? w.open : words.connections.connect}
					<Icon name="arrow" />
				</a>
			</div>
			<ul class="points">
				{w.points.map(([title, body], index) => (
					<li key={title}>
						<Icon name={icons[index] ?? 'check'} />
						<h2>{title}</h2>
						<p>{body}</p>
					</li>
				))}
			</ul>
			<div class="pair">
				<PasteLink />
				<section class="card">
					<h2>{w.collectTitle}</h2>
					<p>{w.collectBody}</p>
					<div class="actions">
						<a class="button" href="/collect">
							{w.collectLink}
						</a>
					</div>
				</section>
			</div>
		</Screen>
	);
}

/** A link opens in the browser, not in an app installed beside it: pasting brings it here. */
function PasteLink() {
	const { route } = useLocation();
	const [bad, setBad] = useState(false);
	return (
		<section class="card">
			<h2>{w.linkTitle}</h2>
			<p>{w.linkBody}</p>
			<form
				class="inline"
				onSubmit={(event) => {
					event.preventDefault();
					const text = String(new FormData(event.currentTarget).get('link') ?? '');
					const path = takePasted(text, location.origin);
					setBad(!path);
					if (path) route(path);
				}}
			>
				<label class="field">
					<span>{w.linkLabel}</span>
					<input name="link" inputMode="url" autocomplete="off" spellcheck={false} required aria-invalid={bad} />
				</label>
				<button type="submit" class="button">
					{w.linkOpen}
				</button>
			</form>
			{bad && (
				<p class="problem" role="alert">
					{w.linkBad}
				</p>
			)}
			<p class="quiet small">
				{w.skillBody} {/* The name keeps the router out. */}
				<a href="/skill.zip" download="satchel-skill.zip">
					{w.skillLink}
				</a>
			</p>
		</section>
	);
}
