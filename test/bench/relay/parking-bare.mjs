/**
 * What parking is measured against: a bare server that streams each body into a file of DIRECTORY and answers 201. With
 * SYNC=1 it makes the relay's promise, that file and name are on the disk before it answers. Tells its port to its parent.
 */
import { createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

const { DIRECTORY = '', SYNC } = process.env;

async function syncDirectory() {
	const directory = await open(DIRECTORY, 'r');
	await directory.sync();
	await directory.close();
}

const server = createServer(async (request, response) => {
	try {
		// `flush` syncs the file before it is closed.
		await pipeline(request, createWriteStream(join(DIRECTORY, request.url?.slice(1) ?? ''), { flush: SYNC === '1' }));
		if (SYNC === '1') await syncDirectory();
		response.writeHead(201).end();
	} catch (cause) {
		console.error(cause);
		response.writeHead(500).end();
	}
});
server.listen(0, '127.0.0.1', () => process.send?.({ port: server.address().port }));
