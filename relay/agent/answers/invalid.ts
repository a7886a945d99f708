import { AgentError } from '../errors.js';

/** A question that cannot be answered as it was put. @param detail without what was given */
export function invalid(detail: string): AgentError {
	return new AgentError('query_invalid', { detail });
}
