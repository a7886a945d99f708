import type { CollectState } from './state.js';

/** Characters of one hash: 64 bits, six bits each, in two halves. */
const WIDTH = 12;
const CHUNK = WIDTH * 4096;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** The sets behind stored states. A cache: a state that is read back builds it anew. */
const sets = new WeakMap<CollectState, Set<string>>();

/**
 * A 64-bit hash of `text` (cyrb, public domain). Not against an adversary: a server that makes its own resources
 * collide withholds nothing that it could not leave out. By chance, 40,000 keys collide once in 10^10 records.
 */
export function hash(text: string): string {
	let a = 0xdeadbeef;
	let b = 0x41c6ce57;
	for (let i = 0; i < text.length; i++) {
		const unit = text.charCodeAt(i);
		a = Math.imul(a ^ unit, 2654435761);
		b = Math.imul(b ^ unit, 1597334677);
	}
	a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
	b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
	return half(a) + half(b);
}

function half(bits: number): string {
	let text = '';
	for (let shift = 0; shift < 36; shift += 6) text += ALPHABET[shift < 32 ? (bits >>> shift) & 63 : 0];
	return text;
}

/** Whether `key` was never seen before; from now on it is. Amortised O(1). */
export function see(state: CollectState, key: string): boolean {
	const set = setOf(state);
	const hashed = hash(key);
	if (set.has(hashed)) return false;
	set.add(hashed);
	const last = state.seen.length - 1;
	const chunk = state.seen[last];
	if (chunk === undefined || chunk.length >= CHUNK) state.seen.push(hashed);
	else state.seen[last] = chunk + hashed;
	return true;
}

export function wasSeen(state: CollectState, key: string): boolean {
	return setOf(state).has(hash(key));
}

/** Whether `hashed` is one of the hashes strung together in `text`. */
export function includesHash(text: string, hashed: string): boolean {
	for (let at = 0; at < text.length; at += WIDTH) if (text.startsWith(hashed, at)) return true;
	return false;
}

function setOf(state: CollectState): Set<string> {
	let set = sets.get(state);
	if (!set) {
		set = new Set();
		for (const chunk of state.seen)
			for (let at = 0; at < chunk.length; at += WIDTH) set.add(chunk.slice(at, at + WIDTH));
		sets.set(state, set);
	}
	return set;
}
