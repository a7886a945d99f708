import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type Capability, readCapability } from '../../../sw/fhir/capability.js';
import { startCollect } from '../../../sw/fhir/collect.js';
import type { CollectState } from '../../../sw/fhir/state.js';
import { vendorFhir } from '../../../sw/fhir/vendors.js';
import { chooseScopes } from '../../../sw/smart/scopes.js';
import { vendorAuth } from '../../../sw/smart/vendors.js';
import { type KnownServer, servers } from './plans.js';

const files = new URL('../../../../shared/data/vendors/', import.meta.url);
const here = existsSync(files);
if (!here) console.warn('../shared/data/vendors is not here: no plan for a real server is checked');
const read = (file: string) => JSON.parse(readFileSync(new URL(file, files), 'utf8'));

function capabilityOf({ statement, published }: KnownServer): Capability | null {
	if (statement) return readCapability(read(statement));
	if (!published) return null;
	const resource = Object.entries(published.resources).map(([type, params]) => ({
		type,
		interaction: [{ code: 'read' }, ...(params ? [{ code: 'search-type' }] : [])],
		searchParam: params.split(' ').map((name) => ({ name })),
	}));
	const resourceType = published.fhirVersion.startsWith('1.') ? 'Conformance' : 'CapabilityStatement';
	return readCapability({ resourceType, fhirVersion: published.fhirVersion, rest: [{ mode: 'server', resource }] });
}

/** What would be granted: all that is asked for, of what is offered. */
function scopeOf({ configuration, scope, vendor }: KnownServer): string {
	if (scope !== undefined || !configuration) return scope ?? '';
	const { scopes_supported: scopesSupported = [], capabilities = [] } = read(configuration);
	return vendorAuth(vendor ?? undefined).scope ?? chooseScopes({ scopesSupported, capabilities });
}

function describePlan(state: CollectState): string[] {
	const queries = state.queries.map(({ query, state: at, parent, optional, rest, fans = [] }) => {
		const otherwise = fans.map(({ param }) => param).join(', then ');
		const note = at.is === 'fanned' ? '   asked in pieces:' : otherwise && `   else by ${otherwise}`;
		const why = rest ? '   (what the others miss)' : optional ? '   (optional)' : '';
		return `${parent ? '  ' : ''}${decodeURIComponent(query)}${why}${note}`;
	});
	const references = Object.entries(state.fetchable).map(([type, how]) => `${type}: ${how}`);
	return [
		`Accept: ${state.accept}; _count=${state.count}`,
		'',
		...queries,
		'',
		...references,
		`Binary: ${state.binaries ? 'read' : 'not asked'}`,
	];
}

const wrap = (text: string) => text.replace(/(.{1,118})(?:\s+|$)/g, '# $1\n');

test.each(servers.filter(({ statement }) => here || !statement))(
	'the plan for $name has not changed',
	async (server) => {
		const plan = (scope: string) =>
			startCollect({
				fhirBaseUrl: 'https://ehr.example/fhir/',
				patientId: server.vendor === 'athenahealth' ? 'a-195900.E-60178' : 'p1',
				scope,
				capability: capabilityOf(server),
				vendor: vendorFhir(server.vendor),
			});
		const [all, scope] = [describePlan(plan('')), scopeOf(server)];
		const granted = describePlan(plan(scope));
		const lost = all.filter((line) => !granted.includes(line));
		const changed = granted.filter((line) => !all.includes(line));
		const resources = scope.split(' ').filter((one) => /^(?:patient|user)\//.test(one));
		const asked =
			resources.length > 3 ? `${resources.length} scopes, type by type` : resources.join(' ') || 'none of resources';
		await expect(
			[
				wrap(server.why),
				...all,
				'',
				`With the scopes it would grant (${asked}): ${lost.length + changed.length > 0 ? 'instead' : 'the same'}`,
				...lost.map((line) => `- ${line}`),
				...changed.map((line) => `+ ${line}`),
				'',
			].join('\n'),
		).toMatchFileSnapshot(`plans/${server.name}.txt`);
	},
);
