/**
 * Faults over HTTP, for tests in another process. JSON in, JSON out:
 * `POST /_faults {rules}` adds, `DELETE /_faults` resets, `GET /_faults?system=` counts;
 * `GET /_faults/held` answers as soon as an answer is kept, `POST /_faults/release` sends those that are;
 * `POST /_control/expire {system?, what?: "grants"|"access"}` and `{system, endIn: seconds}`;
 * `POST /_control/take-back {system, username?}`;
 * `POST /_control/records {system, username}` with `put` (a resource) and `lastUpdated?`, or `remove` (`Goal/g1`).
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FaultControl, FaultRule } from './faults.js';
import type { Json, RecordControl } from './fhir/record.js';
import { readBody, send, sendJson } from './http.js';

export async function control(
	faults: FaultControl,
	records: (system: string, username: string) => RecordControl,
	req: IncomingMessage,
	res: ServerResponse,
	url: URL,
): Promise<void> {
	const body = req.method === 'POST' ? (JSON.parse((await readBody(req)) || '{}') as Record<string, unknown>) : {};
	const call = `${req.method} ${url.pathname}`;
	if (call === 'POST /_faults') faults.add(...((body.rules ?? [body]) as FaultRule[]));
	else if (call === 'GET /_faults/held') await faults.held();
	else if (call === 'POST /_faults/release') faults.release();
	else if (call === 'DELETE /_faults') faults.reset();
	else if (call === 'GET /_faults') return sendJson(res, 200, faults.counts(url.searchParams.get('system') ?? ''));
	else if (call === 'POST /_control/expire') {
		const { system, what, endIn } = body as { system?: string; what?: 'grants' | 'access'; endIn?: number };
		if (system !== undefined && endIn !== undefined) faults.endIn(system, endIn);
		else faults.expire(system, what);
	} else if (call === 'POST /_control/take-back') {
		const { system, username } = body as { system: string; username?: string };
		faults.takeBack(system, username);
	} else if (call === 'POST /_control/records') {
		const {
			system = '',
			username = '',
			put,
			remove,
			lastUpdated,
		} = body as {
			system?: string;
			username?: string;
			put?: Json & { resourceType: string; id: string };
			remove?: string;
			lastUpdated?: string;
		};
		const record = records(system, username);
		if (put) record.put(put, lastUpdated);
		const [type, id] = remove?.split('/') ?? [];
		if (type && id) record.remove(type, id);
	} else return send(res, 404, 'text/plain', 'Not Found');
	sendJson(res, 200, {});
}
