/** What every tool is given; all of it is fixed by the command line. */
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { Receiver } from './receiver.js';
import type { Records } from './records.js';

export interface Context {
	receiver: Receiver;
	records: Records;
}

/** Adds one tool to a server. */
export type AddTool = (server: McpServer, context: Context) => unknown;
