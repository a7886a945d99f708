/** What is worth compressing, and how. Compressing takes long at its best, so it is done once: by the build, or at first use. */
import { promisify } from 'node:util';
import { brotliCompress, brotliDecompress, gunzip, gzip, type InputType, constants as zlib } from 'node:zlib';

export type Encoding = 'br' | 'gzip';

/** The smaller one first. */
export const encodings = ['br', 'gzip'] as const satisfies readonly Encoding[];

/** Where a build puts a file's compressed content: beside it, under its name and this. */
export const endings: Readonly<Record<Encoding, string>> = { br: '.br', gzip: '.gz' };

export type Variants = Partial<Readonly<Record<Encoding, Uint8Array>>>;

/** From so many octets on, Brotli's best takes seconds. */
const LARGE = 256 * 1024;

/**
 * By encoding, those that are smaller than `body`; none for a media type that is compressed in itself.
 * @param effort `quick` where somebody waits: less thorough with what is large
 */
export async function compress(type: string, body: Uint8Array, effort: 'best' | 'quick'): Promise<Variants> {
	if (!/^(text\/|image\/svg|application\/(json|manifest\+json|javascript))/.test(type)) return {};
	const best = effort === 'best' || body.length < LARGE;
	const params = {
		[zlib.BROTLI_PARAM_SIZE_HINT]: body.length,
		[zlib.BROTLI_PARAM_QUALITY]: best ? zlib.BROTLI_MAX_QUALITY : 5,
	};
	const [br, gz] = await Promise.all([
		promisify(brotliCompress)(body, { params }),
		promisify(gzip)(body, { level: best ? 9 : 6 }),
	]);
	return { ...(br.length < body.length && { br }), ...(gz.length < body.length && { gzip: gz }) };
}

const unpack = {
	br: (data: InputType, maxOutputLength: number) => promisify(brotliDecompress)(data, { maxOutputLength }),
	gzip: (data: InputType, maxOutputLength: number) => promisify(gunzip)(data, { maxOutputLength }),
};

/** Whether `data` unpacks to `body` and nothing else. */
export async function holds(encoding: Encoding, data: Uint8Array, body: Uint8Array): Promise<boolean> {
	const plain = await unpack[encoding](data, Math.max(1, body.length)).catch(() => null);
	return plain?.equals(body) ?? false;
}
