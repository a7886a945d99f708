/** Refreshing a grant too often gets 429, as Oracle Health announces. */
import type { errors as Errors, KoaContextWithOIDC } from 'oidc-provider';

const MINUTE = 60_000;

export class Throttle {
	readonly #taken = new Map<string, number[]>();

	/** @param perMinute null: never */
	constructor(readonly perMinute: number | null) {}

	/** Counts a refresh, or throws it out before the refresh token rotates. */
	take(ctx: KoaContextWithOIDC, grantId: string, errors: typeof Errors): void {
		if (this.perMinute === null) return;
		const at = Date.now();
		const recent = (this.#taken.get(grantId) ?? []).filter((moment) => at - moment < MINUTE);
		if (recent.length >= this.perMinute) {
			ctx.set('Retry-After', String(Math.ceil(((recent[0] ?? at) + MINUTE - at) / 1000)));
			throw Object.assign(new errors.TemporarilyUnavailable('too many requests'), { status: 429, statusCode: 429 });
		}
		this.#taken.set(grantId, [...recent, at]);
	}
}
