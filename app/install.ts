/** Installing: the browser's own offer, held back until there is something worth keeping, and the steps where it has none. */
import { signal } from '@preact/signals';

/** https://wicg.github.io/manifest-incubations/#beforeinstallpromptevent-interface; not in the DOM library. */
interface BeforeInstallPromptEvent extends Event {
	prompt(): Promise<{ outcome: 'accepted' | 'dismissed' }>;
}

/** All that this app writes to localStorage. */
const DISMISSED = 'satchel-install-dismissed';

const offer = signal<BeforeInstallPromptEvent | null>(null);
const dismissed = signal(readFlag());

/** iPhone, iPod, and iPad also where it calls itself a Mac. */
export function isIos({ userAgent, maxTouchPoints }: Pick<Navigator, 'userAgent' | 'maxTouchPoints'>): boolean {
	return /iPhone|iPad|iPod/.test(userAgent) || (/Macintosh/.test(userAgent) && maxTouchPoints > 1);
}

export function isInstalled(): boolean {
	const legacy = (navigator as Navigator & { standalone?: boolean }).standalone;
	return legacy === true || matchMedia('(display-mode: standalone)').matches;
}

/** What to offer now: the browser's dialog, the steps by hand, or nothing. */
export function installOffer(): 'prompt' | 'ios' | null {
	if (dismissed.value || isInstalled()) return null;
	if (offer.value) return 'prompt';
	return isIos(navigator) ? 'ios' : null;
}

export function watchInstall(): void {
	window.addEventListener('beforeinstallprompt', (event) => {
		event.preventDefault();
		offer.value = event as BeforeInstallPromptEvent;
	});
	window.addEventListener('appinstalled', () => {
		offer.value = null;
	});
}

export async function install(): Promise<void> {
	const event = offer.value;
	offer.value = null;
	const answer = await event?.prompt();
	if (answer?.outcome === 'dismissed') dismissInstall();
}

/** The offer is made once. */
export function dismissInstall(): void {
	dismissed.value = true;
	try {
		localStorage.setItem(DISMISSED, '1');
	} catch {
		// Storage that is switched off: the offer returns with the next visit, which does no harm.
	}
}

/** Takes the flag out of storage; this page keeps to the answer. */
export function forgetInstall(): void {
	try {
		localStorage.removeItem(DISMISSED);
	} catch {
		// Storage that is switched off holds nothing.
	}
}

function readFlag(): boolean {
	try {
		return localStorage.getItem(DISMISSED) === '1';
	} catch {
		return false;
	}
}
