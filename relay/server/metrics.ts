/**
 * What is counted, for Prometheus. Labels are methods, route patterns, status classes and codes of the contract: few, and
 * none of them says whose request it was.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

const METHODS = new Set(['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'OPTIONS']);

/** Seconds; long polls last up to 25, the largest part on a slow network minutes. */
const BUCKETS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120, 600];

export type Metrics = ReturnType<typeof createMetrics>;

/** A registry of its own for each relay: several may run in one process. */
export function createMetrics() {
	const registry = new Registry();
	const registers = [registry];
	const metrics = {
		requests: new Counter({
			name: 'satchel_requests_total',
			help: 'Requests answered',
			labelNames: ['method', 'route', 'status'],
			registers,
		}),
		seconds: new Histogram({
			name: 'satchel_request_seconds',
			help: 'Time until the answer began; for uploads until all was stored, for long polls with the wait',
			labelNames: ['method', 'route'],
			buckets: BUCKETS,
			registers,
		}),
		underWay: new Gauge({
			name: 'satchel_requests_under_way',
			help: 'Requests not answered yet: PUT of a part is an upload, GET of a manifest a long poll that waits',
			labelNames: ['method', 'route'],
			registers,
		}),
		refusals: new Counter({
			name: 'satchel_refusals_total',
			help: 'Requests refused or failed, by the code in the answer',
			labelNames: ['code'],
			registers,
		}),
		sessions: new Counter({
			name: 'satchel_sessions_total',
			help: 'Sessions that were created, finalised and removed through this process',
			labelNames: ['event'],
			registers,
		}),
		received: new Counter({ name: 'satchel_received_bytes_total', help: 'Octets read from sockets', registers }),
		sent: new Counter({ name: 'satchel_sent_bytes_total', help: 'Octets written to sockets', registers }),
		connections: new Gauge({ name: 'satchel_connections', help: 'Open connections', registers }),
		free: new Gauge({
			name: 'satchel_free_bytes',
			help: 'Octets that uploads may still take, beyond what must stay free',
			// So that there is no number at all where a store does not know it.
			labelNames: ['store'],
			registers,
		}),
		cut: new Counter({
			name: 'satchel_connections_cut_total',
			help: 'Connections that the relay ended before their time',
			labelNames: ['reason'],
			registers,
		}),
	};
	return {
		...metrics,
		/** In the text format of Prometheus, those of the process included. */
		async text(): Promise<string> {
			return `${await registry.metrics()}\n${await processMetrics().metrics()}`;
		},
		contentType: registry.contentType,
	};
}

export function methodLabel(method: string): string {
	return METHODS.has(method) ? method : 'other';
}

let ofProcess: Registry | undefined;

/** Memory, event loop and open files: measured from the first call on, once for however many relays. */
export function processMetrics(): Registry {
	if (!ofProcess) {
		ofProcess = new Registry();
		collectDefaultMetrics({ register: ofProcess });
	}
	return ofProcess;
}
