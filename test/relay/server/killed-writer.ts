/** Writes parts as fast as it can and says each that is stored, until it is killed. */
import { createHash, randomBytes } from 'node:crypto';
import { systemClock } from '../../../relay/server/clock.js';
import { openDiskStore } from '../../../relay/server/store/disk/disk.js';

const random = (octets: number) => randomBytes(octets).toString('base64url');
const store = await openDiskStore({
	directory: process.argv[2]!,
	clock: systemClock,
	uploadsPerSession: 16,
	uploads: 2048,
	minFreeBytes: 0,
});
const sid = random(16);
await store.create(sid, {
	readHash: random(32),
	writeHash: random(32),
	expiresAt: Date.now() + 600_000,
	maxBytes: 1e9,
	partBytes: 1e9,
	request: null,
	fingerprint: random(32),
});
await store.claim(sid, random(32));
process.stdout.write(`${sid}\n`);

async function writer(bid: string) {
	for (let n = 0; n < 4000; n++) {
		const chunk = randomBytes(20_000);
		const data = Buffer.concat([chunk, chunk, chunk]);
		const digest = createHash('sha256').update(data).digest('base64url');
		const body = (async function* () {
			for (let at = 0; at < 3; at++) {
				yield chunk;
				await new Promise((resolve) => setImmediate(resolve));
			}
		})();
		await store.putPart(sid, { bid, n, bytes: data.length, digest }, body);
		process.stdout.write(`${bid} ${n}\n`);
	}
}
await Promise.all([writer(random(16)), writer(random(16)), writer(random(16))]);
