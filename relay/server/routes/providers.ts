/** The provider directory, as configured. */
import { Hono } from 'hono';
import { type Provider, routes } from '../../contract.js';
import type { RelayEnv, RouteDeps } from '../deps.js';
import { Asset } from '../files/assets.js';
import { compress } from '../files/compression.js';

export function providerRoutes({ config }: RouteDeps) {
	const app = new Hono<RelayEnv>();
	let making: Promise<Asset> | undefined;

	app.get(routes.providers, async (c) => {
		making ??= makeDirectory(config.providers);
		return (await making).respond(c.req.raw, { 'Cache-Control': 'no-cache' });
	});

	return app;
}

/** It may name every hospital of a country: written and compressed once, when somebody first asks for it. */
async function makeDirectory(providers: readonly Provider[]): Promise<Asset> {
	const type = 'application/json';
	const body = Buffer.from(JSON.stringify({ providers }));
	return new Asset(type, body, await compress(type, body, 'quick'));
}
