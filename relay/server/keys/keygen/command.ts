/** The command line of `npm run keys`: what is asked, done, and said about it. No key is ever part of an answer. */
import { parseArgs } from 'node:util';
import { ConfigError } from '../../config/config-error.js';
import { shown } from '../../config/config-words.js';
import { systemCode } from '../../errors.js';
import { KeysExist, makeEmbeddedKey, makeRelayKeys, rotateRelayKeys, type Written } from './key-sets.js';

export const help = `Make the keys by which a client authenticates at token endpoints (private_key_jwt).

  npm run --silent keys -- --out DIR              a set for ASSERTION_KEYS: RSA (RS384) and P-384 (ES384)
  npm run --silent keys -- --out DIR --rotate     new keys beside those in use
  npm run --silent keys -- --out DIR --embedded   a key to paste into the provider directory

--out DIR     where the files go; made with mode 0700                        (required)
--bits N      size of the RSA key, 2048 or 3072                              (default 3072)
--rotate      the new keys are published at once and sign after a day, when servers have fetched them; the old ones
              stay published until the next rotation. Restart the relay. If a key has leaked, do not rotate:
              delete the set, make a new one, and register it.
--embedded    every browser gets this key with the directory: it satisfies a server that takes confidential
              clients only, and protects nothing
--help

Writes a private file (mode 0600) and a public one, and prints where. Existing files are never replaced but by
--rotate.
`;

export interface Outcome {
	exitCode: 0 | 1 | 2;
	stdout: string;
	stderr: string;
}

const done = (stdout: string): Outcome => ({ exitCode: 0, stdout, stderr: '' });
const failed = (exitCode: 1 | 2, ...lines: string[]): Outcome => ({
	exitCode,
	stdout: '',
	stderr: `${lines.join('\n')}\n`,
});

/** @param now milliseconds since the epoch */
export async function runKeys(argv: string[], now: number): Promise<Outcome> {
	let asked: ReturnType<typeof parse>;
	try {
		asked = parse(argv);
	} catch (cause) {
		return failed(2, cause instanceof Error ? cause.message : 'unknown option', 'See --help.');
	}
	const { out, bits, rotate, embedded } = asked;
	if (asked.help) return done(help);
	if (!out) return failed(2, '--out is missing: where shall the files go?', 'See --help.');
	if (bits !== '2048' && bits !== '3072') return failed(2, '--bits must be 2048 or 3072');
	if (rotate && embedded)
		return failed(2, '--rotate is for the keys of the relay; make another --embedded key instead');
	const size = bits === '2048' ? 2048 : 3072;
	try {
		if (embedded) return done(embeddedWords(await makeEmbeddedKey(out, size)));
		if (rotate) return done(rotatedWords(await rotateRelayKeys(out, size, Math.floor(now / 1000))));
		return done(madeWords(await makeRelayKeys(out, size)));
	} catch (cause) {
		if (cause instanceof ConfigError) return failed(1, ...cause.problems);
		if (cause instanceof KeysExist) {
			const way = embedded ? 'take another --out' : 'use --rotate, or take another --out';
			return failed(1, `${shown(cause.path)} exists already: ${way}`);
		}
		const code = systemCode(cause);
		return failed(1, `${shown(out)} cannot be written${code ? ` (${code})` : ''}`);
	}
}

function parse(argv: string[]) {
	return parseArgs({
		args: argv,
		options: {
			out: { type: 'string' },
			bits: { type: 'string', default: '3072' },
			rotate: { type: 'boolean', default: false },
			embedded: { type: 'boolean', default: false },
			help: { type: 'boolean', short: 'h', default: false },
		},
	}).values;
}

const madeWords = ({ privatePath, publicPath }: Written) => `Private keys  ${privatePath}
Public keys   ${publicPath}

Start the relay with ASSERTION_KEYS=${privatePath}. It publishes the public keys at /.well-known/jwks.json: register
that address, or upload the public file where a vendor takes files only.
`;

const rotatedWords = ({ privatePath, publicPath }: Written) => `Private keys  ${privatePath}
Public keys   ${publicPath}

Restart the relay. It publishes the new keys at once and signs with them in a day. Where you uploaded the public file
instead of registering the address, upload the new one within that time.
`;

const embeddedWords = ({ privatePath, publicPath }: Written) => `Embedded key  ${privatePath}
Public key    ${publicPath}

Paste "clientAuth" into the provider's entry, and register the public key. Everybody who opens the app can read this
key: it proves nothing about who uses it. Register it for this one client and for patient access only.
`;
