/** Fixed content, served from memory: compressed once, with a strong ETag for each encoding. */
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { brotliCompress, gzip, constants as zlib } from 'node:zlib';

type Encoding = 'br' | 'gzip' | 'identity';

/** From so many octets on, Brotli's best takes seconds: somebody waits for a directory of 20,000 providers. */
const LARGE = 256 * 1024;

const compress = {
	gzip: (body: Uint8Array) => promisify(gzip)(body, { level: body.length < LARGE ? 9 : 6 }),
	br: (body: Uint8Array) =>
		promisify(brotliCompress)(body, {
			params: {
				[zlib.BROTLI_PARAM_SIZE_HINT]: body.length,
				[zlib.BROTLI_PARAM_QUALITY]: body.length < LARGE ? zlib.BROTLI_MAX_QUALITY : 5,
			},
		}),
};

const compressible = /^(text\/|image\/svg|application\/(json|manifest\+json|javascript))/;

export class Asset {
	#etag: string;
	#variants = new Map<Encoding, Promise<Uint8Array | null>>();

	constructor(
		readonly type: string,
		private readonly body: Uint8Array,
	) {
		this.#etag = createHash('sha256').update(body).digest('base64url').slice(0, 22);
	}

	/** Answers GET and HEAD, conditional ones too (RFC 9110, sections 12.5.3 and 13.1.2). */
	async respond(request: Request, headers: Record<string, string>, status = 200): Promise<Response> {
		const accepted = acceptedEncodings(request.headers.get('Accept-Encoding') ?? '');
		let encoding: Encoding = 'identity';
		let body = this.body;
		for (const candidate of accepted) {
			const smaller = await this.#compressed(candidate);
			if (!smaller) continue;
			encoding = candidate;
			body = smaller;
			break;
		}
		const etag = `"${this.#etag}${encoding === 'identity' ? '' : `-${encoding}`}"`;
		// What must not be stored has nothing to be compared with.
		const all = new Headers(headers['Cache-Control'] === 'no-store' ? headers : { ...headers, ETag: etag });
		if (compressible.test(this.type)) all.append('Vary', 'Accept-Encoding');
		const seen = request.headers.get('If-None-Match')?.split(',') ?? [];
		if (status === 200 && seen.some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag)) {
			return new Response(null, { status: 304, headers: all });
		}
		all.set('Content-Type', this.type);
		all.set('Content-Length', String(body.length));
		if (encoding !== 'identity') all.set('Content-Encoding', encoding);
		return new Response(request.method === 'HEAD' ? null : (body as Uint8Array<ArrayBuffer>), { status, headers: all });
	}

	/** Null where it would save nothing. */
	#compressed(encoding: 'br' | 'gzip'): Promise<Uint8Array | null> {
		if (!compressible.test(this.type)) return Promise.resolve(null);
		let variant = this.#variants.get(encoding);
		if (!variant) {
			variant = compress[encoding](this.body).then((small) => (small.length < this.body.length ? small : null));
			this.#variants.set(encoding, variant);
		}
		return variant;
	}
}

/** Those of ours that the client takes, the smaller one first. */
function acceptedEncodings(header: string): ('br' | 'gzip')[] {
	const refused = (parameters: string[]) => parameters.some((text) => /^\s*q\s*=\s*0(\.0*)?\s*$/i.test(text));
	const taken = new Set<string>();
	for (const item of header.split(',')) {
		const [name = '', ...parameters] = item.split(';');
		if (!refused(parameters)) taken.add(name.trim().toLowerCase());
	}
	return (['br', 'gzip'] as const).filter((encoding) => taken.has(encoding));
}
