import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { relayConfig } from '../../../relay/server/config/config.js';
import { startRelay } from '../../../relay/server/serve.js';
import { send } from './skill-kit.js';

const folder = mkdtempSync(join(tmpdir(), 'satchel-example-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('the example of the library in the README asks, receives, answers and deletes', async () => {
	const agent = new URL('../../../relay/agent/', import.meta.url);
	const [, code = ''] = /```ts\n([\s\S]*?)```/.exec(readFileSync(new URL('README.md', agent), 'utf8')) ?? [];
	const file = join(folder, 'example.ts');
	writeFileSync(file, code.replace("'./index.js'", JSON.stringify(new URL('index.ts', agent).pathname)));
	const { example } = await import(/* @vite-ignore */ file);
	const relay = await startRelay(relayConfig({ port: 0, dataDir: join(folder, 'data') }));
	try {
		const segments = ['{"resourceType":"Condition","id":"c1","code":{"text":"Asthma"},"onsetDateTime":"2020"}\n'];
		let sent: Promise<void> | undefined;
		const text = await example(`http://localhost:${relay.port}`, join(folder, 'out'), (url: string) => {
			sent = send(url, [{ segments, patient: { id: 'p1' }, fhirBaseUrl: 'https://ehr.example/fhir' }]);
		});
		await sent;
		expect(text).toMatch(/^1 found[\s\S]*Asthma/);
	} finally {
		await relay.close();
	}
});
