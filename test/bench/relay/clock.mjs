/** Loaded before the relay: a wall clock that is as many seconds off as a file says. What counts on from the start stays right. */
import { readFileSync } from 'node:fs';

const real = Date.now;
const RealDate = Date;
let offset = 0;

setInterval(() => {
	offset = Number(readFileSync(process.env.BENCH_CLOCK, 'utf8')) * 1000;
}, 50).unref();

Date.now = () => real() + offset;
globalThis.Date = new Proxy(RealDate, {
	construct: (target, args) => Reflect.construct(target, args.length > 0 ? args : [Date.now()]),
});
