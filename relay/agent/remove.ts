/** Deletes what a session and a delivery left on this machine, and nothing else that lies in the folder. */
import type { World } from './exchange.js';

export interface Removed {
	/** The session under way was ended at the relay; `unreachable`: it ends by itself within the hour, and its keys are gone here. */
	session: 'none' | 'ended' | 'unreachable';
	/** Sources whose files are gone. */
	sources: number;
}

/**
 * Ends a session under way and wipes its file, then removes the folders that the index names, the summary and the index: only
 * names that we give, no links followed. The folder itself goes when it is empty.
 * @throws {AgentError} `session_file_unsafe`, `output_failed`
 */
export async function removeAll(_dir: string, _world: World): Promise<Removed> {
	throw new Error('not yet');
}
