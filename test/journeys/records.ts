/** What the agent (or a download) holds, compared with what the sandbox serves: every resource, every text. */
import { expect } from '@playwright/test';
import type { Stack } from './support.js';

/** A system, who signed in there, and the types that the scopes this system grants do not cover. */
export type Whose = [system: string, username: string, notGranted?: string[]];

/** By `Type/id`: the text as served; of a Binary its media type and octets, which is what the wallet gets of it. */
function served(stack: Pick<Stack, 'sandbox'>, whose: Whose[]): Map<string, string> {
	const all = new Map<string, string>();
	for (const [system, username, notGranted = []] of whose) {
		for (const { type, id, text } of stack.sandbox.resources(system, username)) {
			if (notGranted.includes(type)) continue;
			all.set(`${type}/${id}`, type === 'Binary' ? binary(text) : text);
		}
	}
	return all;
}

function binary(line: string): string {
	const { contentType, data } = JSON.parse(line) as { contentType: string; data: string };
	return `${contentType} ${data}`;
}

/**
 * Fails unless `lines` are exactly what the sandbox serves of these patients: nothing missing, changed, added or twice.
 * OperationOutcomes are the wallet's own, about queries without an answer, and are left out.
 */
export function expectEqual(lines: string[], stack: Pick<Stack, 'sandbox'>, whose: Whose[]): void {
	const wanted = served(stack, whose);
	expect(wanted.size).toBeGreaterThan(90);
	const seen = new Set<string>();
	const wrong: string[] = [];
	for (const line of lines) {
		const { resourceType, id } = JSON.parse(line) as { resourceType: string; id?: string };
		if (resourceType === 'OperationOutcome') continue;
		const name = `${resourceType}/${id}`;
		if (seen.has(name)) wrong.push(`twice: ${name}`);
		seen.add(name);
		const text = wanted.get(name);
		if (text === undefined) wrong.push(`never served: ${name}`);
		else if (text !== (resourceType === 'Binary' ? binary(line) : line)) wrong.push(`changed: ${name}`);
	}
	for (const name of wanted.keys()) if (!seen.has(name)) wrong.push(`missing: ${name}`);
	expect(wrong).toEqual([]);
}
