import type { Outcome, Task } from '../../../sw/fhir/task.js';

export const origin = 'https://ehr.example';
export const base = `${origin}/fhir/r4`;

/** What a server gives on top of, or instead of, what it should. */
export type Quirk = (url: URL, task: Task) => Outcome | undefined;

export interface FakeServer {
	(task: Task): Outcome;
	/** Every request so far, below the base, decoded. */
	requests: string[];
}

type Resource = { resourceType: string; id: string; [more: string]: unknown };

export function respond(status: number, body: unknown, url: string, contentType = 'application/fhir+json'): Outcome {
	const bytes = utf8(typeof body === 'string' ? body : JSON.stringify(body));
	return { kind: 'response', status, contentType, url, bytes, ms: 10 };
}

export const fail = (code: string): Outcome => ({ kind: 'failed', code, ms: 10 });

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

export function outcome(code: string, severity = 'error') {
	return { resourceType: 'OperationOutcome', issue: [{ severity, code }] };
}

function below(url: URL): string {
	const path = url.href.slice(base.length + 1);
	try {
		return decodeURIComponent(path);
	} catch {
		return path;
	}
}

function codes(value: unknown): string[] {
	return [value].flat().flatMap((one) => {
		if (typeof one === 'string') return [one];
		const { coding = [] } = (one ?? {}) as { coding?: { code: string }[] };
		return coding.map(({ code }) => code);
	});
}

/** A FHIR server as a function: search by patient, `_id`, `_lastUpdated`, category, status and intent, with pages; reads; quirks first. */
export function fakeServer(resources: Resource[], quirks: Quirk[] = [], pageSize = 2): FakeServer {
	const serve = (task: Task): Outcome => {
		const url = new URL(task.url);
		if (url.origin !== origin) throw new Error(`a request to ${url.origin}`);
		serve.requests.push(below(url));
		for (const quirk of quirks) {
			const answer = quirk(url, task);
			if (answer) return answer;
		}
		const [type = '', id] = url.pathname.slice('/fhir/r4/'.length).split('/');
		if (id !== undefined) {
			const found = resources.find((one) => one.resourceType === type && one.id === id);
			return found ? respond(200, found, url.href) : respond(404, outcome('not-found'), url.href);
		}
		const asked = url.searchParams;
		const matches = resources.filter((one) => {
			if (one.resourceType !== type) return false;
			const patient = asked.get('patient');
			const named = (one.subject ?? one.patient) as { reference: string } | undefined;
			if (patient && named?.reference !== `Patient/${patient}`) return false;
			const [, prefix, instant = ''] = /^(g[te])(.+)$/.exec(asked.get('_lastUpdated') ?? '') ?? [];
			const updated = Date.parse((one.meta as { lastUpdated: string } | undefined)?.lastUpdated ?? '');
			const after = Date.parse(instant);
			if (prefix && !(updated > after || (prefix === 'ge' && updated === after))) return false;
			const ids = asked.get('_id');
			if (ids && !ids.split(',').includes(one.id)) return false;
			return ['category', 'status', 'intent'].every((name) => {
				const value = asked.get(name);
				return !value || codes(one[name]).includes(value.split('|').at(-1) ?? '');
			});
		});
		const from = Number(asked.get('from') ?? 0);
		const more = new URL(url);
		more.searchParams.set('from', String(from + pageSize));
		return respond(
			200,
			{
				resourceType: 'Bundle',
				type: 'searchset',
				total: matches.length && 999,
				link: from + pageSize < matches.length ? [{ relation: 'next', url: more.pathname + more.search }] : [],
				entry: matches.slice(from, from + pageSize).map((resource) => ({ resource })),
			},
			url.href,
		);
	};
	serve.requests = [] as string[];
	return serve;
}

/** Answers every request whose address below the base matches. */
export function when(pattern: RegExp, answer: (url: URL, task: Task) => Outcome): Quirk {
	return (url, task) => (pattern.test(below(url)) ? answer(url, task) : undefined);
}
