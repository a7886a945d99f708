/**
 * The passkey that opens the wallet: WebAuthn with the PRF extension (Level 3, section 10.1.4), whose output HKDF turns into
 * a key that can wrap and unwrap and nothing else. The key stays in this module for as long as the page lives, so that a
 * worker that starts anew is opened without asking; it is never stored and cannot be exported.
 */
import { decode, encode } from './base64url.js';
import { call, onLocked } from './broker.js';
import { BrokerError, localError } from './rpc.js';

let held: CryptoKey | undefined;

/** Ignored by versions of this page that do not know it. Other tabs may hold a key that this one lacks. */
interface TabMessage {
	id: string;
	/** Missing: somebody asks. */
	goTo?: string | null;
}

const tabs = new BroadcastChannel('satchel-lock');
const INFO = new TextEncoder().encode('satchel vault key wrapping v1');

const random = () => crypto.getRandomValues(new Uint8Array(32));

/** Whether it is worth asking for a passkey here. What the passkey itself can do shows only then. */
export async function canLock(): Promise<boolean> {
	if (typeof PublicKeyCredential === 'undefined') return false;
	const told = await PublicKeyCredential.getClientCapabilities?.().catch(() => undefined);
	return told?.['extension:prf'] !== false;
}

/**
 * Makes a passkey and locks the wallet with it; the wallet stays open. `used` is told once the passkey has done its part.
 * @throws {BrokerError} `passkey_unsupported`, `passkey_cancelled`, and what `lock.enable` answers
 */
export async function enableLock(used: () => void): Promise<void> {
	const salt = random();
	const made = await ask(() =>
		navigator.credentials.create({
			publicKey: {
				rp: { id: location.hostname, name: 'Satchel' },
				// One person a wallet: nothing here tells one from another.
				user: { id: random(), name: 'Satchel', displayName: 'Satchel' },
				challenge: random(),
				// ES256, EdDSA, RS256. No signature is ever checked: what counts is the PRF output.
				pubKeyCredParams: [-7, -8, -257].map((alg) => ({ type: 'public-key', alg })),
				authenticatorSelection: { residentKey: 'preferred', userVerification: 'required' },
				extensions: { prf: { eval: { first: salt } } },
			},
		}),
	);
	const { prf } = made.getClientExtensionResults();
	if (!prf?.enabled && !prf?.results) throw localError('passkey_unsupported');
	// Some authenticators tell it only when they are asked a second time.
	const output = prf.results?.first ?? (await evaluate(new Uint8Array(made.rawId), salt));
	const key = await keyOf(output, salt);
	used();
	await call('lock.enable', { key, credentialId: encode(new Uint8Array(made.rawId)), salt: encode(salt) });
	hold(key);
}

/**
 * Asks the passkey and opens the wallet. `used` is told once the passkey has done its part.
 * @returns where a sign-in leads that came back while it was locked
 * @throws {BrokerError} `passkey_unsupported`, `passkey_cancelled`, `unlock_failed`
 */
export async function unlock(used: () => void): Promise<string | null> {
	const { credentialId, salt } = await call('lock.challenge', {});
	const key = await keyOf(await evaluate(decode(credentialId), decode(salt)), decode(salt));
	used();
	const { goTo } = await call('lock.unlock', { key });
	hold(key);
	call('connections.tend', {}).catch(() => undefined);
	return goTo;
}

/** Locks for every tab: none opens the wallet by itself after this. @throws {BrokerError} `busy` */
export async function lockNow(): Promise<void> {
	await call('lock.now', {});
	held = undefined;
}

export async function disableLock(): Promise<void> {
	await call('lock.disable', {});
	held = undefined;
}

function hold(key: CryptoKey): void {
	held = key;
	onLocked(async () => (await reopen()) !== undefined);
}

/** Several calls may find the worker locked at once: one answer for all. */
let reopening: Promise<string | null | undefined> | undefined;

/** Opens the wallet with the key that this page kept. @returns undefined if it has none that is of use */
function reopen(): Promise<string | null | undefined> {
	reopening ??= (async () => {
		if (!held) return undefined;
		try {
			return (await call('lock.unlock', { key: held, again: true })).goTo;
		} catch (error) {
			// Locked by the person, or with another passkey since. Anything else may pass.
			if (error instanceof BrokerError && FORGET.has(error.code)) held = undefined;
			return undefined;
		}
	})().finally(() => {
		reopening = undefined;
	});
	return reopening;
}

const FORGET = new Set<string>(['locked', 'unlock_failed']);

/** Asks the other tabs to open the wallet. `answered` is told where to go, if one of them could. */
export function askTabs(answered: (goTo: string | null) => void): () => void {
	const id = crypto.randomUUID();
	const listen = ({ data }: MessageEvent<TabMessage>) => {
		if (data?.id === id && data.goTo !== undefined) answered(data.goTo);
	};
	tabs.addEventListener('message', listen);
	tabs.postMessage({ id } satisfies TabMessage);
	return () => tabs.removeEventListener('message', listen);
}

tabs.addEventListener('message', async ({ data }: MessageEvent<TabMessage>) => {
	if (typeof data?.id !== 'string' || data.goTo !== undefined) return;
	const goTo = await reopen();
	if (goTo !== undefined) tabs.postMessage({ id: data.id, goTo } satisfies TabMessage);
});

/** The PRF output of a passkey that exists. */
async function evaluate(id: Uint8Array<ArrayBuffer>, salt: Uint8Array<ArrayBuffer>): Promise<BufferSource> {
	const used = await ask(() =>
		navigator.credentials.get({
			publicKey: {
				rpId: location.hostname,
				challenge: random(),
				allowCredentials: [{ type: 'public-key', id }],
				userVerification: 'required',
				extensions: { prf: { eval: { first: salt } } },
			},
		}),
	);
	const output = used.getClientExtensionResults().prf?.results?.first;
	if (!output) throw localError('passkey_unsupported');
	return output;
}

async function ask(run: () => Promise<Credential | null>): Promise<PublicKeyCredential> {
	let credential: Credential | null;
	try {
		credential = await run();
	} catch (error) {
		const name = error instanceof DOMException ? error.name : '';
		// Cancelled, timed out, or no such passkey here: a browser does not tell which (WebAuthn, section 5.1.4).
		throw localError(CANCELLED.has(name) ? 'passkey_cancelled' : 'passkey_unsupported', error);
	}
	if (!(credential instanceof PublicKeyCredential)) throw localError('passkey_unsupported');
	return credential;
}

const CANCELLED = new Set(['NotAllowedError', 'AbortError']);

async function keyOf(output: BufferSource, salt: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
	const material = await crypto.subtle.importKey('raw', output, 'HKDF', false, ['deriveKey']);
	const derivation = { name: 'HKDF', hash: 'SHA-256', salt, info: INFO };
	const usages: KeyUsage[] = ['wrapKey', 'unwrapKey'];
	return crypto.subtle.deriveKey(derivation, material, { name: 'AES-GCM', length: 256 }, false, usages);
}
