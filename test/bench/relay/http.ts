/** Calls to a relay over keep-alive connections, without the weight of `fetch`: the clients share two cores with the relay. */
import { Agent, type IncomingHttpHeaders, request } from 'node:http';

export interface Answer {
	status: number;
	headers: IncomingHttpHeaders;
	body: Buffer;
}

export interface Call {
	method: string;
	path: string;
	token?: string;
	headers?: Record<string, string>;
	body?: Uint8Array | string;
	signal?: AbortSignal;
}

export class Client {
	readonly #agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY, maxFreeSockets: 2000 });

	constructor(readonly port: number) {}

	/** @throws the system error of a connection that failed */
	call({ method, path, token, headers = {}, body, signal }: Call): Promise<Answer> {
		return new Promise((resolve, reject) => {
			const sent = request(
				{
					host: '127.0.0.1',
					port: this.port,
					method,
					path,
					agent: this.#agent,
					...(signal && { signal }),
					headers: {
						...headers,
						...(token && { authorization: `Bearer ${token}` }),
						...(body !== undefined && { 'content-length': String(Buffer.byteLength(body)) }),
					},
				},
				(answer) => {
					const chunks: Buffer[] = [];
					answer.on('data', (chunk: Buffer) => chunks.push(chunk));
					answer.on('end', () =>
						resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) }),
					);
					answer.on('error', reject);
				},
			);
			sent.on('error', reject);
			sent.end(body);
		});
	}

	close(): void {
		this.#agent.destroy();
	}
}
