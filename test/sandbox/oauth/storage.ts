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

export class Storage {
	readonly grants = new Map<string, GrantRecord>();
	readonly #rows = new Map<string, AdapterPayload>();

	/** The adapter of one model, in the shape oidc-provider asks for. */
	adapter(model: string): Adapter {
		const rows = this.#rows;
		const key = (id: string) => `${model}:${id}`;
		const revoke = (grantId: string) => this.revoke(grantId);
		return {
			async upsert(id, payload) {
				rows.set(key(id), payload);
			},
			async find(id) {
				return rows.get(key(id));
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
				if (row) row.consumed = Math.floor(Date.now() / 1000);
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

	/** Moves the end of every grant to `seconds` from now. */
	endIn(seconds: number): void {
		const end = Math.floor(Date.now() / 1000) + seconds;
		for (const grant of this.grants.values()) grant.endsAt = end;
		for (const [name, row] of this.#rows) if (name.startsWith('RefreshToken:')) row.exp = end;
	}
}
