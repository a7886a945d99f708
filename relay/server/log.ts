/** The relay's log: structured lines on stdout. */
import { pino } from 'pino';
import type { Log } from './deps.js';

/** No host name and no process id: they say nothing about a request. */
export function createLog(level = 'info'): Log {
	return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime });
}
