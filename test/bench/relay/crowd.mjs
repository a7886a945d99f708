/** Slow clients: each a bare socket that sends or reads a few octets a second. */
import { connect } from 'node:net';

/** Octets a second, a little more than the relay's minimum rate, so that it has no cause to end them. */
const RATE = 5000;
/** Seconds after which those that send headers slowly begin again: a relay ends them before. */
const HEADERS_SECONDS = 8;

const sockets = new Set();
const chunk = Buffer.alloc(RATE, 'x');

process.on('message', (message) => {
	if (message === 'disperse') {
		process.send([...sockets].filter((socket) => !socket.destroyed).length);
		return;
	}
	const { port, requests } = message;
	let open = 0;
	for (const [i, { kind, head }] of requests.entries()) {
		// Each at a moment of its own within the second.
		setTimeout(
			() => {
				start(kind, head, port, () => {
					if (++open === requests.length) process.send('gathered');
				});
			},
			(i * 2000) / requests.length,
		);
	}
});

function start(kind, head, port, opened) {
	const socket = connect(port, '127.0.0.1');
	sockets.add(socket);
	let timer;
	socket.once('connect', () => {
		opened?.();
		if (kind === 'headers') {
			const lines = head.split('\r\n').filter(Boolean);
			socket.write(`${lines[0]}\r\n`);
			timer = setInterval(() => socket.write(`X-Slow: ${'x'.repeat(20)}\r\n`), 1000);
			setTimeout(() => socket.destroy(), HEADERS_SECONDS * 1000);
		} else {
			socket.write(head);
			if (kind === 'body') timer = setInterval(() => socket.write(chunk), 1000);
			else {
				socket.pause();
				timer = setInterval(() => socket.read(RATE), 1000);
			}
		}
	});
	socket.on('error', () => undefined);
	socket.on('close', () => {
		clearInterval(timer);
		sockets.delete(socket);
		if (kind === 'headers') start(kind, head, port);
	});
}
