/** The lock: the vault's key lies on disk only wrapped under a key that a passkey gives (WebAuthn, PRF extension). */
import type { Overview, Payload, Reply } from '../contract.js';
import { BrokerError } from '../errors.js';

export async function lockState(): Promise<Overview['lock']> {
	return 'off';
}

export async function enableLock(_how: Payload<'lock.enable'>): Promise<void> {
	throw new BrokerError('internal');
}

export async function disableLock(): Promise<void> {
	throw new BrokerError('internal');
}

export async function lockChallenge(): Promise<Reply<'lock.challenge'>> {
	throw new BrokerError('internal');
}

/** @returns where a sign-in that came back to a locked wallet leads; null if there was none */
export async function unlock(_key: CryptoKey): Promise<string | null> {
	throw new BrokerError('internal');
}

export async function lockNow(): Promise<void> {
	throw new BrokerError('internal');
}
