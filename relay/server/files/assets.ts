/** Fixed content, served from memory, with a strong ETag for each encoding. Answering compresses nothing. */
import { createHash } from 'node:crypto';
import { apiPolicy } from '../http/headers.js';
import { type Encoding, encodings, type Variants } from './compression.js';

export class Asset {
	#etag: string;

	/** @param variants the same content, compressed */
	constructor(
		readonly type: string,
		private readonly body: Uint8Array,
		private readonly variants: Variants = {},
	) {
		this.#etag = createHash('sha256').update(body).digest('base64url').slice(0, 22);
	}

	/** Answers GET and HEAD, conditional ones too (RFC 9110, sections 12.5.3 and 13.1.2). */
	respond(request: Request, headers: Record<string, string>, status = 200): Response {
		const accepted = acceptedEncodings(request.headers.get('Accept-Encoding') ?? '');
		const encoding = accepted.find((one) => this.variants[one]);
		const body = (encoding && this.variants[encoding]) ?? this.body;
		const etag = `"${this.#etag}${encoding ? `-${encoding}` : ''}"`;
		// What must not be stored has nothing to be compared with.
		const all = new Headers(headers['Cache-Control'] === 'no-store' ? headers : { ...headers, ETag: etag });
		if (encodings.some((one) => this.variants[one])) all.append('Vary', 'Accept-Encoding');
		const seen = request.headers.get('If-None-Match')?.split(',') ?? [];
		if (status === 200 && seen.some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag)) {
			return new Response(null, { status: 304, headers: all });
		}
		all.set('Content-Type', this.type);
		all.set('Content-Length', String(body.length));
		if (encoding) all.set('Content-Encoding', encoding);
		return new Response(request.method === 'HEAD' ? null : (body as Uint8Array<ArrayBuffer>), { status, headers: all });
	}
}

/** For a person, in place of the app. */
export function notBuilt(): Response {
	return new Response('There is no app here: it is not built ("npm run build"), or not where APP_DIR says.\n', {
		status: 503,
		headers: {
			'Content-Type': 'text/plain; charset=utf-8',
			'Cache-Control': 'no-store',
			'Retry-After': '10',
			'Content-Security-Policy': apiPolicy,
		},
	});
}

/** Those of ours that the client takes, the smaller one first. */
function acceptedEncodings(header: string): Encoding[] {
	const refused = (parameters: string[]) => parameters.some((text) => /^\s*q\s*=\s*0(\.0*)?\s*$/i.test(text));
	const taken = new Set<string>();
	for (const item of header.split(',')) {
		const [name = '', ...parameters] = item.split(';');
		if (!refused(parameters)) taken.add(name.trim().toLowerCase());
	}
	return encodings.filter((encoding) => taken.has(encoding));
}
