/** What an AI needs to ask this relay, as one file: a zip of `satchel/`, with the relay's address in it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Zippable, zip } from 'fflate';
import { Hono } from 'hono';
import { routes } from '../../contract.js';
import type { RelayConfig } from '../config/config.js';
import { originOf } from '../config/origin.js';
import type { RelayEnv, RouteDeps } from '../deps.js';
import { RelayError } from '../errors.js';
import { Asset } from '../files/assets.js';
import { PLACEHOLDER, skillFiles } from '../files/skill-files.js';

/** In the zip, what it is built as, and what Unix calls its mode. */
const files = [
	{ name: 'satchel/SKILL.md', built: skillFiles.instructions, mode: 0o100644 },
	{ name: 'satchel/scripts/satchel.mjs', built: skillFiles.script, mode: 0o100755 },
];

/** The same files make the same zip: entries have the first time that a zip can tell. */
const mtime = new Date(1980, 0, 1);
const UNIX = 3;

export function skillRoutes({ config }: RouteDeps) {
	const app = new Hono<RelayEnv>();
	let making: Promise<Asset | null> | undefined;

	/** Made once; as long as nothing is built, looked for again with each request. */
	async function skill(): Promise<Asset | null> {
		making ??= makeSkill(config);
		const made = await making;
		if (!made) making = undefined;
		return made;
	}

	app.get(routes.skill, async (c) => {
		const headers = {
			'Cache-Control': 'no-cache',
			'Content-Disposition': 'attachment; filename="satchel-skill.zip"',
		};
		const made = await skill();
		if (!made) throw new RelayError('unavailable');
		return made.respond(c.req.raw, headers);
	});

	return app;
}

/** Null when it is not built. */
async function makeSkill(config: RelayConfig): Promise<Asset | null> {
	const origin = originOf(config);
	const folder: Zippable = {};
	for (const { name, built, mode } of files) {
		const text = await readFile(join(config.skillDir, built), 'utf8').catch(() => null);
		if (text === null) return null;
		const octets = Buffer.from(text.replaceAll(PLACEHOLDER, origin));
		folder[name] = [octets, { mtime, os: UNIX, attrs: mode << 16 }];
	}
	const octets = await new Promise<Uint8Array>((resolve, reject) => {
		zip(folder, { level: 9 }, (error, data) => (error ? reject(error) : resolve(data)));
	});
	return new Asset('application/zip', octets);
}
