/** The embedded sandbox EHR: several made-up health systems on one loopback port. */
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JWK } from 'oidc-provider';
import type { ClientAuth } from '../../relay/contract.js';
import { createClients, signingKey } from './clients.js';
import { control } from './control.js';
import { createDirectory } from './directory.js';
import { type FaultControl, Faults } from './faults.js';
import { typesOf } from './fhir/capability.js';
import { type RecordControl, type Resource, recordControl } from './fhir/record.js';
import { createFhirServer } from './fhir/server.js';
import { send, sendHtml, sendJson } from './http.js';
import { PASSWORD } from './oauth/interaction.js';
import { createAuthorizationServer } from './oauth/server.js';
import { homePage } from './pages.js';
import type { AuthProfile, SystemProfile } from './profile.js';
import { route, type Site } from './route.js';
import { systems as profiles } from './systems.js';

export interface SandboxOptions {
	/** 0, the default, takes a free one. */
	port?: number;
	host?: string;
	/** Where browsers find it, if not at its own port: the address of a proxy. */
	origin?: string;
	/** Origins of the app; each gives the redirect URI `<origin>/connect/callback`. */
	appOrigins?: string[];
	/** Further redirect URIs. */
	redirectUris?: string[];
	/** A folder of FHIR bundles; every patient in it can sign in too. */
	data?: string;
	/** Opens `POST /_faults` and `POST /_control/expire`. */
	faults?: boolean;
	/** Lifetime of access tokens at every system, in seconds; without it each system has its own. */
	accessSeconds?: number;
	/** How rotating refresh tokens that come back are treated at every system; see `AuthProfile`. */
	graceSeconds?: number;
	onReuse?: AuthProfile['onReuse'];
	/** Refreshes of one grant that a system takes within a minute; more get 429. */
	refreshesPerMinute?: number;
	/** What the clock of every system is ahead of the world's, in seconds. */
	clockSkewSeconds?: number;
	/** The relay's public keys; without them they are fetched from `clientJwksUri` when first needed. */
	clientKeys?: JWK[];
	/** By default `/.well-known/jwks.json` of the first of `appOrigins`. */
	clientJwksUri?: string;
	/** Overrides the size of generated records, in octets. */
	recordBytes?: number;
	/** Generated records are as a large hospital's, with so many practitioners. */
	recordStaff?: number;
	/** The health systems; all of them by default. */
	systems?: SystemProfile[];
}

/** What a provider directory needs to know of a health system. */
export interface SandboxSystem {
	id: string;
	name: string;
	location: string;
	aliases: string[];
	fhirBaseUrl: string;
	clientId: string;
	vendor?: string;
	scope?: string;
	/** Missing where the client is public. */
	clientAuth?: ClientAuth;
}

export interface SandboxLogin {
	username: string;
	name: string;
}

export interface Sandbox {
	origin: string;
	systems: SandboxSystem[];
	logins: SandboxLogin[];
	/** Everybody's. */
	password: string;
	faults: FaultControl;
	/** The id of somebody's Patient at a system. */
	patientId(system: string, username: string): string;
	/** All of somebody's record that a system serves, supporting resources and Binaries too, as the very text served. */
	resources(system: string, username: string): Iterable<Resource>;
	/** Changes somebody's record while the systems run. A record from a data folder is the same at every system. */
	records(system: string, username: string): RecordControl;
	close(): Promise<void>;
}

export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
	const faults = new Faults();
	const sites = new Map<string, Site>();
	let home = '';
	let systems: SandboxSystem[] = [];

	async function handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
		const url = new URL(req.url ?? '/', 'http://localhost');
		const [, first = ''] = url.pathname.split('/');
		const site = sites.get(first);
		if (site) return route(site, faults, req, res, url);
		if (options.faults && (first === '_faults' || first === '_control'))
			return control(faultControl, records, req, res, url);
		if (url.pathname === '/providers.json') return sendJson(res, 200, { providers: systems });
		if (url.pathname === '/') return sendHtml(res, 200, home);
		send(res, 404, 'text/plain', 'Not Found');
	}

	const server = createServer((req, res) => {
		handle(req, res).catch((error: unknown) => {
			console.error('sandbox', error);
			if (!res.headersSent) send(res, 500, 'text/plain', 'Internal Server Error');
			else res.destroy();
		});
	});
	await new Promise<void>((resolve, reject) => {
		server.once('error', reject);
		server.listen(options.port ?? 0, options.host ?? 'localhost', resolve);
	});
	const origin = options.origin ?? `http://localhost:${(server.address() as AddressInfo).port}`;

	const used = (options.systems ?? profiles).map((profile) => withOptions(profile, options));
	const directory = createDirectory(used, options);
	const callbacks = (options.appOrigins ?? []).map((app) => `${app.replace(/\/$/, '')}/connect/callback`);
	const redirectUris = [...new Set([...callbacks, ...(options.redirectUris ?? [])])];
	if (redirectUris.length === 0) redirectUris.push('http://localhost:8787/connect/callback');
	const key = signingKey();
	const clients = createClients(used, origin, options, redirectUris);
	const cookieKey = randomBytes(32).toString('base64url');

	for (const profile of used) {
		const oauth = await createAuthorizationServer({
			profile,
			origin,
			redirectUris,
			key,
			cookieKey,
			...clients.keysOf(profile.id),
			logins: directory.logins,
			types: typesOf(profile),
			patientId: (username) => directory.patientId(profile.id, username),
			tokenPatch: (req) => sites.get(profile.id)?.tokenPatches.get(req),
			count: (what) => {
				faults.counts(profile.id)[what]++;
			},
		});
		const fhir = createFhirServer({
			profile,
			origin,
			access: oauth.access,
			record: (username) => directory.record(profile.id, username),
		});
		sites.set(profile.id, { profile, origin, oauth, fhir, tokenPatches: new WeakMap() });
	}

	systems = used.map((profile): SandboxSystem => {
		const { id, name, location, aliases, vendor, scope } = profile;
		return {
			id,
			name,
			location,
			aliases,
			fhirBaseUrl: `${origin}/${id}/fhir`,
			clientId: `satchel-${id}`,
			...(vendor === undefined ? {} : { vendor }),
			...(scope === undefined ? {} : { scope }),
			...clients.authOf(profile.id),
		};
	});
	home = homePage(systems, directory.logins);

	function storageOf(system: string) {
		const site = sites.get(system);
		if (!site) throw new Error(`no such health system: ${system}`);
		return site.oauth.storage;
	}
	const records = (system: string, username: string) => recordControl(directory.record(system, username));
	const faultControl: FaultControl = {
		add: (...rules) => faults.add(...rules),
		counts: (system) => faults.counts(system),
		hold: (rule) => faults.add({ ...rule, action: { holdReply: true } }),
		held: (count) => faults.held(count),
		release: () => faults.release(),
		reset: () => faults.reset(),
		expire: (system, what = 'grants') => {
			for (const id of system === undefined ? sites.keys() : [system]) storageOf(id).expire(what);
		},
		endIn: (system, seconds) => storageOf(system).endIn(seconds),
		takeBack: (system, username) => storageOf(system).takeBack(username),
	};

	return {
		origin,
		systems,
		logins: directory.logins,
		password: PASSWORD,
		faults: faultControl,
		patientId: directory.patientId,
		*resources(system, username) {
			const profile = used.find(({ id }) => id === system);
			if (!profile) throw new Error(`no such health system: ${system}`);
			const served = new Set(typesOf(profile).filter((type) => !profile.fhir.refuses.includes(type)));
			for (const resource of directory.record(system, username).all()) if (served.has(resource.type)) yield resource;
		},
		records,
		close: () =>
			new Promise((resolve, reject) => {
				server.close((error) => (error ? reject(error) : resolve()));
				server.closeAllConnections();
			}),
	};
}

/** A system as this start wants it. */
function withOptions(profile: SystemProfile, options: SandboxOptions): SystemProfile {
	const { accessSeconds, graceSeconds, onReuse, refreshesPerMinute, clockSkewSeconds } = options;
	const given = Object.entries({ accessSeconds, graceSeconds, onReuse, refreshesPerMinute });
	const auth = { ...profile.auth, ...Object.fromEntries(given.filter(([, value]) => value !== undefined)) };
	return { ...profile, clockSkewSeconds: clockSkewSeconds ?? profile.clockSkewSeconds, auth };
}
