import type { ComponentChildren } from 'preact';
import { words } from '../words.js';
import { Mark } from './icons.js';

const links = [
	['/', words.common.home],
	['/connections', words.common.connections],
	['/collect', words.common.collect],
	['/settings', words.common.settings],
] as const;

/** Header, main landmark and footer around every screen. */
export function Shell({ path, children, bar }: { path: string; children: ComponentChildren; bar: ComponentChildren }) {
	return (
		<>
			<a class="skip" href="#main">
				{words.common.skip}
			</a>
			{bar}
			<header class="top">
				<a class="brand" href="/">
					<Mark />
					<span>{words.common.name}</span>
				</a>
				<nav aria-label={words.common.navigation}>
					{links.map(([href, label]) => (
						<a key={href} href={href} aria-current={path === href ? 'page' : path.startsWith(`${href}/`) || undefined}>
							{label}
						</a>
					))}
				</nav>
			</header>
			<main id="main" tabIndex={-1}>
				{children}
			</main>
			<footer class="bottom">
				<p>{words.common.footer}</p>
			</footer>
		</>
	);
}
