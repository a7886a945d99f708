/** A replica that stores parts as fast as it can, says each that is stored, and has others half-way, until it is killed. */
import { createHash, randomBytes } from 'node:crypto';
import { systemClock } from '../../../relay/server/clock.js';
import { relayConfig } from '../../../relay/server/config/config.js';
import { openRedisBackend } from '../../../relay/server/store/redis/backend.js';

const [url, prefix, sid] = process.argv.slice(2) as [string, string, string];
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
const options = { prefix, uploadMs: 1500 };
const { store } = await openRedisBackend(url, relayConfig(), systemClock, silent, options);

async function writer(bid: string) {
	for (let n = 0; n < 4000; n++) {
		const chunk = randomBytes(200_000);
		const data = Buffer.concat([chunk, chunk]);
		const digest = createHash('sha256').update(data).digest('base64url');
		const body = (async function* () {
			yield chunk;
			yield chunk;
		})();
		await store.putPart(sid, { bid, n, bytes: data.length, digest }, body);
		process.stdout.write(`${bid} ${n}\n`);
	}
}

/** Half of it is in Redis, and the rest never comes. */
async function* half() {
	yield randomBytes(1_000_000);
	await new Promise(() => undefined);
}

const random = (octets: number) => randomBytes(octets).toString('base64url');
void store.putPart(sid, { bid: random(16), n: 0, bytes: 2_000_000, digest: random(32) }, half());
await Promise.all([writer(random(16)), writer(random(16)), writer(random(16))]);
