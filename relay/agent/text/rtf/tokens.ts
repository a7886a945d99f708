/** Octets of RTF → groups, control words and octets of text, one at a time. */

type Token =
	| { kind: 'open' }
	| { kind: 'close' }
	| { kind: 'octet'; value: number }
	/** A control word, or a control symbol (`*`, `~`, a line end); `\bin` has its octets left out already. */
	| { kind: 'word'; word: string; param: number | undefined };

const isLetter = (c: number) => (c > 64 && c < 91) || (c > 96 && c < 123);
const isDigit = (c: number) => c > 47 && c < 58;

/** The specification's own bound; a longer word is none. */
const MAX_WORD = 40;

export function* tokens(octets: Uint8Array): Generator<Token, void, void> {
	const end = octets.length;
	let i = 0;
	while (i < end) {
		const c = octets[i++]!;
		if (c === 0x7b) yield { kind: 'open' };
		else if (c === 0x7d) yield { kind: 'close' };
		else if (c === 0x0a || c === 0x0d || c === 0) continue;
		else if (c !== 0x5c) yield { kind: 'octet', value: c };
		else if (i < end) {
			const next = octets[i]!;
			if (next === 0x27) {
				const hex = Number.parseInt(String.fromCharCode(octets[i + 1] ?? 0, octets[i + 2] ?? 0), 16);
				i += 3;
				// A damaged one is a character that cannot be read, not none.
				yield { kind: 'octet', value: Number.isNaN(hex) ? 0x3f : hex };
			} else if (!isLetter(next)) {
				i++;
				if (next === 0x5c || next === 0x7b || next === 0x7d) yield { kind: 'octet', value: next };
				else yield { kind: 'word', word: String.fromCharCode(next), param: undefined };
			} else {
				const start = i;
				while (i < end && isLetter(octets[i]!)) i++;
				const word = i - start > MAX_WORD ? '' : String.fromCharCode(...octets.subarray(start, i));
				const sign = i;
				if (octets[i] === 0x2d && isDigit(octets[i + 1] ?? 0)) i++;
				while (i < end && isDigit(octets[i]!)) i++;
				const digits = i > sign ? String.fromCharCode(...octets.subarray(sign, Math.min(i, sign + 11))) : '';
				const param = digits === '' ? undefined : Number.parseInt(digits, 10);
				if (octets[i] === 0x20) i++;
				if (word === 'bin') i += Math.max(0, param ?? 0);
				yield { kind: 'word', word, param };
			}
		}
	}
}
