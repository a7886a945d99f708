import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { expect, test } from 'vitest';
import type { Answers } from '../../../relay/agent/answers/answers.js';
import { openAnswers } from '../../../relay/agent/answers/answers.js';
import type { Context } from '../../../relay/agent/mcp/context.js';
import { Receiver } from '../../../relay/agent/mcp/receiver.js';
import { Records } from '../../../relay/agent/mcp/records.js';
import { createServer } from '../../../relay/agent/mcp/server.js';
import { deliver } from './delivery-support.js';
import { Stage, temporaryFolder } from './fake.js';
import { condition } from './records-support.js';

/** A client of the tools, in one process. */
async function connect(records: Pick<Records, 'answers'>): Promise<Client> {
	const receiver = new Receiver('https://relay.example', temporaryFolder(), new Stage().world);
	const [mine, theirs] = InMemoryTransport.createLinkedPair();
	await createServer({ receiver, records } as Context).connect(theirs);
	const client = new Client({ name: 'test', version: '1' });
	await client.connect(mine);
	return client;
}

const textOf = (result: Awaited<ReturnType<Client['callTool']>>) => (result.content as { text: string }[])[0]?.text;

test.each([
	['list_records', {}],
	['patient_summary', {}],
	['search_records', { text: 'gout' }],
	['read_record', { ref: 'Condition/c' }],
	['lab_trend', { code: '4548-4' }],
])('%s stops when its client gives it up', async (name, args) => {
	const answers = await openAnswers(await deliver({ resources: [condition('c', '2020', 'Gout')] }));
	const seen: AbortSignal[] = [];
	const giveUp = new AbortController();
	const until = (signal: AbortSignal | undefined): Answers => {
		if (signal) seen.push(signal);
		giveUp.abort();
		return answers.until(signal);
	};
	const client = await connect({ answers: async () => ({ ...answers, until }) });
	await expect(client.callTool({ name, arguments: args }, undefined, { signal: giveUp.signal })).rejects.toThrow();
	await client.ping();
	expect(seen.map(({ aborted }) => aborted)).toEqual([true]);
});

test('a field of another name is answered with those that there are', async () => {
	const client = await connect({ answers: () => openAnswers('/nowhere') });
	const result = await client.callTool({ name: 'search_records', arguments: { query: 'gout' } });
	expect(result.isError).toBe(true);
	expect(textOf(result)).toContain(
		'Unrecognized key: "query". The fields are: text, kind, code, source, from, to, next',
	);
});

test('records that are asked for, and not here yet, are waited for and not asked for again', async () => {
	const { signal } = new AbortController();
	let awaited = true;
	const client = await connect(new Records(temporaryFolder(), signal, () => awaited));
	expect(textOf(await client.callTool({ name: 'list_records' }))).toMatch(/^no_records: .*call wait_for_records/);
	awaited = false;
	expect(textOf(await client.callTool({ name: 'list_records' }))).toMatch(/^no_records: .*with request_records/);
});
