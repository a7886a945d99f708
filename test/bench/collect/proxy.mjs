/**
 * A slow network in a process of its own: passes TCP on to this machine, each connection and direction at a rate and with a
 * delay. `node proxy.mjs LISTEN:TARGET:ROUND_TRIP_MS:BITS_PER_SECOND …`, ports of localhost. The delay shifts octets in time: any
 * number of them are on their way at once. A connection costs a round trip before its first octet leaves, as TCP's handshake
 * does; slow start, losses and TLS are not played.
 */
import { connect, createServer } from 'node:net';

/** Octets that one direction holds back before the sender is told to stop: more than bandwidth × delay. */
const BUFFER = 1024 * 1024;
/** The unit in which octets leave: 3 ms at 20 Mbit/s. */
const SLICE = 8 * 1024;

/**
 * @param {import('node:net').Socket} from
 * @param {import('node:net').Socket} to
 * @param {{ delay: number, perMs: number, notBefore: number }} line milliseconds, octets per millisecond
 */
function carry(from, to, { delay, perMs, notBefore }) {
	/** @type {{ octets: Buffer | null, at: number }[]} null: the end */
	const queue = [];
	let waiting = 0;
	let free = notBefore;
	let timer;
	const flush = () => {
		timer = undefined;
		const now = performance.now();
		while (queue.length && queue[0].at <= now) {
			const { octets } = queue.shift();
			if (octets === null) to.end();
			else {
				waiting -= octets.length;
				to.write(octets);
			}
		}
		if (waiting < BUFFER) from.resume();
		if (queue.length) timer = setTimeout(flush, queue[0].at - now);
	};
	const put = (octets) => {
		free = Math.max(free, performance.now()) + (octets?.length ?? 0) / perMs;
		waiting += octets?.length ?? 0;
		queue.push({ octets, at: free + delay });
		timer ??= setTimeout(flush, queue[0].at - performance.now());
	};
	from.on('data', (octets) => {
		for (let at = 0; at < octets.length; at += SLICE) put(octets.subarray(at, at + SLICE));
		if (waiting >= BUFFER) from.pause();
	});
	from.on('end', () => put(null));
	const stop = () => {
		clearTimeout(timer);
		from.destroy();
		to.destroy();
	};
	from.on('error', stop);
	to.on('error', stop);
	to.on('close', stop);
}

for (const argument of process.argv.slice(2)) {
	const [listen, target, roundTrip, bits] = argument.split(':').map(Number);
	const perMs = bits / 8 / 1000;
	createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
		const far = connect({ port: target, host: 'localhost', allowHalfOpen: true, noDelay: true });
		const delay = roundTrip / 2;
		carry(near, far, { delay, perMs, notBefore: performance.now() + roundTrip });
		carry(far, near, { delay, perMs, notBefore: 0 });
	}).listen(listen, 'localhost');
}
process.on('disconnect', () => process.exit());
process.send?.('ready');
