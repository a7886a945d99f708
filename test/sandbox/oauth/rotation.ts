/** Rotated refresh tokens that come back, told from everything else that a refresh can fail of. */
import type { AuthProfile } from '../profile.js';
import type { Storage } from './storage.js';

export class Rotation {
	/** The grant of each rotated refresh token. */
	readonly #families = new Map<string, string>();

	constructor(
		readonly auth: AuthProfile,
		readonly storage: Storage,
		readonly count: (what: 'refreshes' | 'replays' | 'familiesRevoked') => void,
	) {}

	refreshed(token: string, grantId: string): void {
		this.count('refreshes');
		if (this.auth.refresh === 'rolling' || this.auth.refresh === 'renewing') this.#families.set(token, grantId);
	}

	/** The library has revoked the tokens of the family by now; the consent goes with them. */
	failed(token: string, error: unknown): void {
		const family = this.#families.get(token);
		if (family === undefined || error !== 'invalid_grant' || this.storage.inGrace(token)) return;
		this.count('replays');
		if (this.auth.onReuse === 'revoke-family' && this.storage.grants.delete(family)) this.count('familiesRevoked');
	}
}
