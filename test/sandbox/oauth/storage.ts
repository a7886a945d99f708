/** What one authorization server remembers. In memory, unbounded, gone with the process. */
import type { Adapter, AdapterPayload } from 'oidc-provider';

/** What a patient agreed to, beside what the authorization server keeps. */
export interface GrantRecord {
	username: string;
	/** Seconds; 0 is "no end". */
	durationSeconds: number;
	/** Seconds since 1970; null is "no end". */
	endsAt: number | null;
}

/** What a rotated refresh token is still good for. */
export interface ReusePolicy {
	graceSeconds: number;
	onReuse: 'refuse' | 'revoke-family';
}

export class Storage {
	readonly grants = new Map<string, GrantRecord>();
	readonly #rows = new Map<string, AdapterPayload>();
	/** When each refresh token was rotated away, in milliseconds since 1970. */
	readonly #rotated = new Map<string, number>();

	constructor(readonly reuse: ReusePolicy) {}

	/** Whether a rotated refresh token may still be used. */
	inGrace(id: string): boolean {
		return Date.now() - (this.#rotated.get(id) ?? 0) < this.reuse.graceSeconds * 1000;
	}

	/** The authorization server revokes a grant whenever it finds a consumed refresh token: what it finds decides. */
	#presented(model: string, id: string): AdapterPayload | undefined {
		const row = this.#rows.get(`${model}:${id}`);
		const rotatedAt = this.#rotated.get(id);
		if (!row || model !== 'RefreshToken' || rotatedAt === undefined) return row;
		if (this.inGrace(id)) return { ...row, consumed: undefined };
		return this.reuse.onReuse === 'refuse' ? undefined : row;
	}

	/** The adapter of one model, in the shape oidc-provider asks for. */
	adapter(model: string): Adapter {
		const rows = this.#rows;
		const key = (id: string) => `${model}:${id}`;
		const rotated = this.#rotated;
		const revoke = (grantId: string) => this.revoke(grantId);
		const presented = (id: string) => this.#presented(model, id);
		return {
			async upsert(id, payload) {
				rows.set(key(id), payload);
			},
			async find(id) {
				return presented(id);
			},
			async findByUserCode() {
				return undefined;
			},
			async findByUid(uid) {
				for (const [name, row] of rows) if (name.startsWith(`${model}:`) && row.uid === uid) return row;
				return undefined;
			},
			async consume(id) {
				const row = rows.get(key(id));
				if (!row || row.consumed) return;
				row.consumed = Math.floor(Date.now() / 1000);
				// The grace is counted from the first use, however often the token comes back.
				if (model === 'RefreshToken') rotated.set(id, Date.now());
			},
			async destroy(id) {
				rows.delete(key(id));
			},
			async revokeByGrantId(grantId) {
				revoke(grantId);
			},
		};
	}

	/** Forgets every token of a grant. */
	revoke(grantId: string): void {
		for (const [name, row] of this.#rows) if (row.grantId === grantId) this.#rows.delete(name);
	}

	/** Ends every grant with all its tokens, or only the access tokens. */
	expire(what: 'grants' | 'access'): void {
		for (const name of this.#rows.keys()) {
			if (what === 'grants' ? !name.startsWith('Client:') : name.startsWith('AccessToken:')) this.#rows.delete(name);
		}
		if (what === 'grants') this.grants.clear();
	}

	/** Ends every grant of somebody, or of everybody, with all its tokens. */
	takeBack(username?: string): void {
		for (const [grantId, grant] of this.grants) {
			if (username !== undefined && grant.username !== username) continue;
			this.revoke(grantId);
			this.grants.delete(grantId);
		}
	}

	/** Moves the end of every grant to `seconds` from now. */
	endIn(seconds: number): void {
		const end = Math.floor(Date.now() / 1000) + seconds;
		for (const grant of this.grants.values()) grant.endsAt = end;
		for (const [name, row] of this.#rows) if (name.startsWith('RefreshToken:')) row.exp = end;
	}
}
