/** Characters (code points). Below it, guessing on rented machines is too cheap whatever the function. */
export const SHORTEST = 12;
const LONG = 20;

/** How hard a passphrase is to guess, as far as its look tells. It is a hint, so only what is surely bad is refused. */
export function strength(passphrase: string): 'short' | 'simple' | 'fair' | 'good' {
	const letters = [...passphrase.normalize('NFC')];
	if (letters.length < SHORTEST) return 'short';
	if (new Set(letters.map((letter) => letter.toLowerCase())).size < 6) return 'simple';
	return letters.length < LONG ? 'fair' : 'good';
}
