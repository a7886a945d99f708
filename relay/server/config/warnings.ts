/** What works, and is probably not meant: for the person who starts the relay. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { RelayConfig } from './config.js';
import { shown } from './config-words.js';
import { isPrivate, originOf } from './origin.js';

export function startWarnings(config: RelayConfig): string[] {
	const { host, baseUrl, providers, appDir, skillDir } = config;
	const warnings = [];
	if (baseUrl === null && !isPrivate(config)) {
		const origin = originOf(config);
		warnings.push(
			`HOST=${shown(host)} is open to others and there is no BASE_URL: the skill tells assistants to come to ${origin}`,
		);
	}
	if (providers.length === 0) warnings.push('no PROVIDERS: people can connect only to a FHIR address that they type');
	if (!existsSync(join(appDir, 'index.html'))) warnings.push(`APP_DIR=${shown(appDir)} has no built app in it`);
	if (!existsSync(join(skillDir, 'SKILL.md'))) warnings.push(`SKILL_DIR=${shown(skillDir)} has no built skill in it`);
	return warnings;
}
