/** When, on what and for how long a bench ran. */
import { cpus } from 'node:os';

/** @param chromium its version, where one took part; @param started milliseconds since the epoch */
export function machine(chromium: string | null, started: number): string {
	const date = new Date().toISOString().slice(0, 10);
	const minutes = Math.round((Date.now() - started) / 60_000);
	const [cpu] = cpus();
	const parts = [
		date,
		`${cpu?.model.replace(/ \d+-Core Processor/, '').trim()}, ${cpus().length} cores`,
		...(chromium === null ? [] : [`Chromium ${chromium}`]),
		`Node ${process.versions.node}`,
		`${minutes} minutes`,
	];
	return `${parts.join(', ')}:`;
}
