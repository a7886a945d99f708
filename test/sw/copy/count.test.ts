import { expect, test } from 'vitest';
import { Counting } from '../../../sw/copy/count.js';
import type { Capability } from '../../../sw/fhir/capability.js';
import { startCollect } from '../../../sw/fhir/collect.js';
import { vendorFhir } from '../../../sw/fhir/vendors.js';
import type { HttpAnswer } from '../../../sw/http.js';

const BASE = 'https://ehr.example/fhir';

type Answer = (type: string, query: URLSearchParams) => { status?: number; bundle?: object } | null;

/** Counts at a server that has Condition, Observation and DocumentReference. `asked`: what it was asked, in order. */
async function count(answer: Answer, over = () => false) {
	const offered = {
		read: true,
		search: true,
		searchParams: ['patient', 'category', 'status', 'clinical-status', 'date'],
	};
	const types = ['Patient', 'Condition', 'Observation', 'DocumentReference', 'Binary'];
	const capability = { fhirVersion: '4.0.1', resources: Object.fromEntries(types.map((type) => [type, offered])) };
	const state = startCollect({
		fhirBaseUrl: BASE,
		patientId: 'p1',
		scope: 'patient/*.rs',
		capability: capability as unknown as Capability,
		vendor: vendorFhir(null),
	});
	const asked: string[] = [];
	const get = async (url: string): Promise<HttpAnswer> => {
		asked.push(url.slice(BASE.length + 1));
		const { pathname, searchParams } = new URL(url);
		const given = answer(pathname.split('/').at(-1) ?? '', searchParams);
		if (!given) throw new Error('network');
		const body = JSON.stringify({ resourceType: 'Bundle', type: 'searchset', ...given.bundle });
		return { status: given.status ?? 200, headers: new Headers(), url, bytes: new TextEncoder().encode(body) };
	};
	return { counts: await new Counting(state, get, over).run(), asked };
}

const subject = { reference: 'Patient/p1' };
const entries = (resourceType: string, count: number, more: object = {}) =>
	Array.from({ length: count }, (_, id) => ({ resource: { resourceType, id: `${id}`, subject, ...more } }));
const next = [{ relation: 'next', url: `${BASE}/more` }];
const document = (url: string, contentType: string, size?: number) => ({ attachment: { url, contentType, size } });

test('what a server counts is taken, and a few of what there is much of are looked at for their size', async () => {
	const totals: Record<string, number> = { Condition: 20, Observation: 900, DocumentReference: 40 };
	const text = 'x'.repeat(4000);
	const content = [document('Binary/a', 'text/rtf', 30_000), document('Binary/b', 'application/pdf', 60_000)];
	const { counts, asked } = await count((type, query) => {
		if (query.get('_summary') === 'count') return { bundle: { total: totals[type] } };
		return {
			bundle: { entry: entries(type, 5, { text, ...(type === 'DocumentReference' && { content }) }), link: next },
		};
	});
	expect(counts).toMatchObject({
		atLeast: false,
		types: {
			Patient: { count: 1 },
			Condition: { count: 20 },
			Observation: { count: 900 },
			DocumentReference: { count: 40 },
			Binary: { count: 80 },
		},
	});
	const { Observation, Binary } = counts!.types;
	expect(Observation!.bytes / 900).toBeGreaterThan(4000);
	expect(Observation!.bytes / 900).toBeLessThan(4200);
	expect(Binary!.bytes / 40).toBeGreaterThan(120_000);
	expect(Binary!.bytes / 40).toBeLessThan(121_000);
	expect(Binary!.text).toBeLessThan(Binary!.bytes / 4);
	expect(asked.filter((url) => !url.includes('_summary=count'))).toEqual([
		'Observation?patient=p1&_count=20',
		'DocumentReference?patient=p1&_count=20',
	]);
});

test('where categories are required, their counts are added up, and what looks for the rest counts nothing twice', async () => {
	const { counts } = await count((type, query) => {
		if (type !== 'Observation') return { bundle: { total: 0 } };
		const category = query.get('category');
		if (category) return { bundle: { total: { laboratory: 30, 'vital-signs': 12 }[category] ?? 0 } };
		return query.get('status') ? { bundle: { total: 45 } } : { status: 400 };
	});
	expect(counts).toMatchObject({ types: { Observation: { count: 45 } }, atLeast: false });
});

test('the number of what is on a page is no count: a larger page is asked for, and all that is known is that there is more', async () => {
	const paged: Answer = (type, query) => {
		if (type !== 'Condition') return { bundle: { entry: [], total: 0 } };
		const here = Number(query.get('_count') ?? 10);
		return { bundle: { entry: entries(type, here), total: here, link: next } };
	};
	const { counts, asked } = await count(paged);
	expect(counts).toMatchObject({ types: { Condition: { count: 1000 } }, atLeast: true });
	expect(asked.filter((url) => url.startsWith('Condition'))).toHaveLength(2);
	const few = await count((type) => ({ bundle: { entry: entries(type, 7) } }));
	expect(few.counts).toMatchObject({ types: { Condition: { count: 7 } }, atLeast: false });
});

const conditions = (type: string) => ({ bundle: { total: type === 'Condition' ? 3 : 0 } });

test('what could not be counted is not left out silently', async () => {
	const { counts } = await count((type) => (type === 'Observation' ? null : conditions(type)));
	expect(counts).toMatchObject({ types: { Condition: { count: 3 } }, atLeast: true });
	const broken = await count((type) => (type === 'Observation' ? { status: 500 } : conditions(type)));
	expect(broken.counts?.atLeast).toBe(true);
	// What is refused is not read either.
	const refused = await count((type) => (type === 'Observation' ? { status: 403 } : conditions(type)));
	expect(refused.counts?.atLeast).toBe(false);
	expect((await count(() => null)).counts).toBeNull();
	let requests = 0;
	const late = await count(
		() => {
			requests++;
			return conditions('Condition');
		},
		() => requests > 0,
	);
	expect(late.counts?.atLeast ?? true).toBe(true);
});
