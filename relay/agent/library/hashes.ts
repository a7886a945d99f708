/** Ids as 32 bits: a few octets for each of millions. */

/** FNV-1a, never 0, which stands for no id. */
export function hashOf(id: string): number {
	let hash = 0x811c9dc5;
	for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
	return hash >>> 0 || 1;
}

/** Which hashes there were: open addressing, at most half full. */
export class Hashes {
	#slots = new Uint32Array(1024);
	#count = 0;

	/** Adds it. Whether it was there. */
	see(hash: number): boolean {
		const at = this.#placeOf(hash);
		if (this.#slots[at] === hash) return true;
		this.#slots[at] = hash;
		if (++this.#count * 2 > this.#slots.length) this.#grow();
		return false;
	}

	#placeOf(hash: number): number {
		const mask = this.#slots.length - 1;
		// Multiplied once more: neighbours in FNV are neighbours here.
		let at = Math.imul(hash, 0x9e3779b1) & mask;
		while (this.#slots[at] !== 0 && this.#slots[at] !== hash) at = (at + 1) & mask;
		return at;
	}

	#grow(): void {
		const old = this.#slots;
		this.#slots = new Uint32Array(old.length * 2);
		for (const hash of old) if (hash !== 0) this.#slots[this.#placeOf(hash)] = hash;
	}
}
