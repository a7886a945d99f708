/**
 * The secret part of a session link. It is taken out of the address bar before anything else runs, held here until the
 * worker has it, and reaches no store of ours and no server. What the browser noted of the address as it was opened is
 * out of a page's hands (README, "Security model").
 */
const held = new Map<string, string>();

const SESSION = /^\/connect\/([A-Za-z0-9_-]+)\/?$/;

/** Takes the fragment of the current address, if it is a session link's. */
export function takeFragment(): void {
	const sid = SESSION.exec(location.pathname)?.[1];
	if (!sid || !location.hash) return;
	held.set(sid, location.hash.slice(1));
	history.replaceState(null, '', location.pathname);
}

/** The fragment of this session, or null where none came with the link. */
export function heldFragment(sid: string): string | null {
	return held.get(sid) ?? null;
}

/** The worker has it. */
export function dropFragment(sid: string): void {
	held.delete(sid);
}

/** Reads a pasted link. @returns the path to go to, or null for what is no session link of this site. */
export function takePasted(text: string, origin: string): string | null {
	let url: URL;
	try {
		url = new URL(text.trim());
	} catch {
		return null;
	}
	const sid = SESSION.exec(url.pathname)?.[1];
	if (!sid || url.origin !== origin || url.hash.length < 2) return null;
	held.set(sid, url.hash.slice(1));
	return `/connect/${sid}`;
}
