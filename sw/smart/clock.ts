/**
 * Assertions name moments, and a device's clock may be wrong. What time it is at the server is told by `Date`, and where CORS
 * hides that (it is not among the safelisted headers of Fetch), the host of the app tells what time it is anywhere.
 */
import { routes } from '../../relay/contract.js';
import { http } from '../http.js';
import { jsonOf, type Registration } from './client.js';

/** `Date` has whole seconds and was on its way for a while: less than this is no difference. */
const CLOCK_SLACK_MS = 30_000;

/** The clock that `Date` shows minus ours, in milliseconds; 0 where they agree, null where it cannot be read. */
export function offsetOf(headers: Headers, now: number): number | null {
	const at = Date.parse(headers.get('Date') ?? '');
	if (Number.isNaN(at)) return null;
	return Math.abs(at - now) < CLOCK_SLACK_MS ? 0 : at - now;
}

/**
 * Sends what holds an assertion, and once more by the server's clock if it was refused and that clock is not the one it was
 * dated by.
 * @param refusals `error` members (RFC 6749, section 5.2) that may mean: wrong time
 */
export async function byServerClock(
	registration: Registration,
	send: (at: Registration) => Promise<Response>,
	refusals: string[],
): Promise<Response> {
	const response = await send(registration);
	if (response.ok || !refusals.includes(String((await jsonOf(response))?.error))) return response;
	const offset = offsetOf(response.headers, Date.now()) ?? (await offsetOfHost());
	if (Math.abs(offset - (registration.clockOffset ?? 0)) < CLOCK_SLACK_MS) return response;
	const second = await send({ ...registration, clockOffset: offset });
	// Whoever judges the answer learns the time from it, as if the server had been allowed to tell.
	if (!second.headers.has('Date')) second.headers.set('Date', new Date(Date.now() + offset).toUTCString());
	return second;
}

/** The clock of the app's host minus ours, in milliseconds; 0 where it cannot be had. */
export async function offsetOfHost(): Promise<number> {
	try {
		const { headers } = await http(new URL(routes.health, self.location.origin).href, { timeout: 5_000 });
		return offsetOf(headers, Date.now()) ?? 0;
	} catch {
		return 0;
	}
}
