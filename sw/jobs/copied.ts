/** Reads one source from the copy on this device: the same lines as from the provider, with no request. */
import { BrokerError } from '../errors.js';
import type { Job, Slice, SourceReader } from './job.js';
import type { Writer } from './writer.js';

export class CopiedRun implements SourceReader {
	constructor(
		readonly job: Job,
		readonly index: number,
		readonly writer: Writer,
		/** As with `SourceRun`. */
		readonly wants: readonly string[],
	) {}

	async run(_slice: Slice): Promise<void> {
		throw new BrokerError('copy_gone');
	}
}
