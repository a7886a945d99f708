/** The pages a patient sees at the provider: plain HTML, no script. */
import type { Duration } from './profile.js';

export function escapeHtml(text: string): string {
	return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

const style = `
:root { color-scheme: light dark; --ink: #1c2b33; --quiet: #55656e; --line: #c5cfd4; --paper: #fff; --ground: #eef2f4;
	--act: #0b5c7a; --on-act: #fff; --wrong: #a3251b; }
@media (prefers-color-scheme: dark) { :root { --ink: #e7eef1; --quiet: #a9b7be; --line: #42525a; --paper: #172227;
	--ground: #0f171b; --act: #7cc7e3; --on-act: #08222d; --wrong: #ff9d92; } }
* { box-sizing: border-box; }
body { margin: 0; font: 1rem/1.5 system-ui, sans-serif; color: var(--ink); background: var(--ground); }
main { max-width: 28rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
header { border-bottom: 4px solid var(--act); background: var(--paper); }
header p { max-width: 28rem; margin: 0 auto; padding: 1rem; font-weight: 600; }
h1 { font-size: 1.4rem; line-height: 1.25; margin: .5rem 0 1rem; }
h2 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
label { display: block; font-weight: 600; margin: 1rem 0 .25rem; }
input, select { width: 100%; font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--quiet);
	border-radius: 6px; padding: .6rem .7rem; min-height: 44px; }
button { width: 100%; font: inherit; font-weight: 600; min-height: 44px; border-radius: 6px; margin-top: 1rem;
	border: 1px solid var(--act); background: var(--act); color: var(--on-act); cursor: pointer; }
button.quiet { background: transparent; color: var(--act); }
:focus-visible { outline: 3px solid var(--act); outline-offset: 2px; }
ul { padding-left: 1.2rem; } li { overflow-wrap: anywhere; }
.note, small { color: var(--quiet); font-size: .9rem; } .wrong { color: var(--wrong); font-weight: 600; }
code { font-size: .9em; } a { color: var(--act); }
`;

function page(provider: string, title: string, body: string): string {
	return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)} – ${escapeHtml(provider)}</title><style>${style}</style></head>
<body><header><p>${escapeHtml(provider)}</p></header><main>${body}</main></body></html>`;
}

/** `action` is the interaction's path. */
export function loginPage(
	provider: string,
	action: string,
	logins: { username: string; name: string }[],
	wrong?: string,
): string {
	const names = logins.map(
		({ username, name }) => `<li><code>${escapeHtml(username)}</code> – ${escapeHtml(name)}</li>`,
	);
	return page(
		provider,
		'Sign in',
		`<h1>Sign in to your patient portal</h1>
${wrong ? `<p class="wrong" id="wrong" role="alert">${escapeHtml(wrong)}</p>` : ''}
<form method="post" action="${escapeHtml(action)}/login">
<label for="username">User name</label>
<input id="username" name="username" autocomplete="username" autocapitalize="none" spellcheck="false" required autofocus>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required>
<button type="submit">Sign in</button></form>
<h2>People in this sandbox</h2>
<p class="note">All are made up. Everybody’s password is <code>sandbox</code>.</p>
<ul class="note">${names.join('')}</ul>`,
	);
}

const kinds: Record<string, string> = {
	'*': 'All of your health record',
	Patient: 'Name, birth date and contact details',
	Observation: 'Test results and vital signs',
	MedicationRequest: 'Medicines prescribed',
	DocumentReference: 'Notes and documents',
};

function askedFor(scopes: string[]): string[] {
	const subjects = new Set(
		scopes.map((scope) => /^patient\/([^.]+)\./.exec(scope)?.[1]).filter((type) => type !== undefined),
	);
	const items = [...subjects].map((type) => kinds[type] ?? type.replace(/(?<=[a-z])(?=[A-Z])/g, ' '));
	if (scopes.includes('openid')) items.push('Who you are at this provider');
	if (scopes.includes('offline_access')) items.push('Access also while you are not using the app');
	return items;
}

export function consentPage(
	provider: string,
	action: string,
	patient: string,
	scopes: string[],
	durations: Duration[],
): string {
	const options = durations.map(({ seconds, label }) => `<option value="${seconds}">${escapeHtml(label)}</option>`);
	return page(
		provider,
		'Allow access',
		`<h1>Allow Satchel to read your record?</h1>
<p>You are signed in as <strong id="patient">${escapeHtml(patient)}</strong>.</p>
<h2>It asks to read</h2>
<ul id="scopes">${askedFor(scopes)
			.map((item) => `<li>${escapeHtml(item)}</li>`)
			.join('')}</ul>
<form method="post" action="${escapeHtml(action)}/consent">
<label for="duration">How long may it do so?</label>
<select id="duration" name="duration">${options.join('')}</select>
<button type="submit" name="decision" value="allow">Allow access</button>
<button type="submit" name="decision" value="deny" class="quiet">Deny</button></form>`,
	);
}

export function errorPage(provider: string, code: string, text: string): string {
	return page(
		provider,
		'Something went wrong',
		`<h1>Something went wrong</h1><p role="alert">${escapeHtml(text)}</p><p class="note">${escapeHtml(code)}</p>`,
	);
}

export function homePage(
	systems: { name: string; location: string; fhirBaseUrl: string; clientId: string }[],
	logins: { username: string; name: string }[],
): string {
	const rows = systems.map(
		(system) =>
			`<li><strong>${escapeHtml(system.name)}</strong>, ${escapeHtml(system.location)}<br>
<small>FHIR base <code>${escapeHtml(system.fhirBaseUrl)}</code><br>client id <code>${escapeHtml(system.clientId)}</code></small></li>`,
	);
	const names = logins.map(
		({ username, name }) => `<li><code>${escapeHtml(username)}</code> – ${escapeHtml(name)}</li>`,
	);
	return page(
		'Sandbox health systems',
		'Sandbox',
		`<h1>Sandbox health systems</h1><p>Made-up providers with made-up patients, to try things with.</p>
<ul>${rows.join('')}</ul><h2>People</h2><p class="note">Everybody’s password is <code>sandbox</code>.</p>
<ul>${names.join('')}</ul>`,
	);
}
