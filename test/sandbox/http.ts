/** The few things about node:http that every part of the sandbox needs. */
import type { IncomingMessage, ServerResponse } from 'node:http';

/** Largest form or JSON body that is read, in octets. */
const MAX_BODY = 64 * 1024;

export async function readBody(req: IncomingMessage): Promise<string> {
	const chunks: Buffer[] = [];
	let size = 0;
	for await (const chunk of req as AsyncIterable<Buffer>) {
		size += chunk.length;
		if (size > MAX_BODY) throw new Error('request body too large');
		chunks.push(chunk);
	}
	return Buffer.concat(chunks).toString('utf8');
}

export async function readForm(req: IncomingMessage): Promise<URLSearchParams> {
	return new URLSearchParams(await readBody(req));
}

export function send(
	res: ServerResponse,
	status: number,
	contentType: string,
	body: string | Uint8Array,
	headers: Record<string, string> = {},
): void {
	const octets = typeof body === 'string' ? Buffer.from(body, 'utf8') : body;
	res.writeHead(status, {
		'Content-Type': contentType,
		'Content-Length': String(octets.byteLength),
		'Cache-Control': 'no-store',
		...headers,
	});
	res.end(octets);
}

export function sendJson(res: ServerResponse, status: number, body: unknown): void {
	send(res, status, 'application/json', JSON.stringify(body));
}

export function sendHtml(res: ServerResponse, status: number, html: string): void {
	// No form-action: browsers apply it to the redirects after a form as well, and those end at the client.
	send(res, status, 'text/html; charset=utf-8', html, {
		'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
		'Referrer-Policy': 'no-referrer',
		'X-Content-Type-Options': 'nosniff',
	});
}

export function redirect(res: ServerResponse, status: 302 | 303, location: string): void {
	res.writeHead(status, { Location: location, 'Content-Length': '0', 'Cache-Control': 'no-store' });
	res.end();
}

/** What a response's headers become just before they are sent, whoever sends them. */
export interface HeaderPolicy {
	cors: boolean;
	/** Headers that scripts may read where there is CORS. */
	exposes: string[];
	clockSkewSeconds: number;
	/** Every error but 401 becomes a 500. */
	errorsAs500: boolean;
	/** Replaces `iss` in a redirect to a client. */
	iss?: string;
}

const corsHeader = /^access-control-/i;

/** Decides CORS (and `iss`) for whatever handler answers, so that no handler has to. */
export function governHeaders(res: ServerResponse, policy: HeaderPolicy): void {
	const writeHead = res.writeHead.bind(res) as (status: number, headers?: Record<string, string>) => ServerResponse;
	const governed = (status: number, ...rest: unknown[]) => {
		const given = rest.find((item) => typeof item === 'object' && item !== null) as Record<string, string> | undefined;
		for (const [name, value] of Object.entries(given ?? {})) res.setHeader(name, value);
		for (const name of res.getHeaderNames()) if (corsHeader.test(name)) res.removeHeader(name);
		if (policy.cors) res.setHeader('Access-Control-Allow-Origin', '*');
		if (policy.cors && policy.exposes.length) res.setHeader('Access-Control-Expose-Headers', policy.exposes.join(', '));
		res.setHeader('Date', new Date(Date.now() + policy.clockSkewSeconds * 1000).toUTCString());
		const location = res.getHeader('Location');
		if (policy.iss !== undefined && typeof location === 'string' && URL.canParse(location)) {
			const url = new URL(location);
			if (url.searchParams.has('iss')) {
				url.searchParams.set('iss', policy.iss);
				res.setHeader('Location', url.href);
			}
		}
		return writeHead(policy.errorsAs500 && status >= 400 && status < 500 && status !== 401 ? 500 : status);
	};
	res.writeHead = governed as typeof res.writeHead;
}

/** Answers a CORS preflight. Without CORS the answer is what a server says that never heard of it. */
export function preflight(req: IncomingMessage, res: ServerResponse, cors: boolean): void {
	if (!cors) {
		send(res, 405, 'text/plain', 'Method Not Allowed');
		return;
	}
	res.writeHead(204, {
		'Access-Control-Allow-Origin': '*',
		'Access-Control-Allow-Methods': 'GET, POST, OPTIONS',
		'Access-Control-Allow-Headers': req.headers['access-control-request-headers'] ?? 'Authorization, Content-Type',
		'Access-Control-Max-Age': '7200',
	});
	res.end();
}
