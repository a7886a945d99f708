import fc from 'fast-check';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { openPart } from '../../../relay/envelope.js';
import type { Line } from '../../../sw/fhir/line.js';
import type { Job, Part } from '../../../sw/jobs/job.js';
import { unread } from '../../../sw/jobs/store.js';
import { kill, rowsOnDisk, textIn } from '../setup.js';

const JOB = 'job-1';
const kind: Job['sources'][number]['kinds'][number] = {
	type: '',
	count: 0,
	of: null,
	bytes: 0,
	ms: 0,
	slowSince: null,
	keptFrom: null,
	status: 'ok',
};

async function load() {
	const { Writer } = await import('../../../sw/jobs/writer.js');
	const rows = await import('../../../sw/wallet/rows.js');
	const { jobKey, partsKey } = await import('../../../sw/jobs/job.js');
	const { gunzip } = await import('../../../sw/jobs/gzip.js');
	return { Writer, ...rows, jobKey, partsKey, gunzip };
}

const source = (connectionId: string): Job['sources'][number] => ({
	...unread(),
	connectionId,
	from: 'provider',
	name: connectionId,
	fhirBaseUrl: 'https://fhir.test',
	patient: { id: 'p1' },
	step: 'fetching',
	error: null,
});
const emptyJob = (sources = 1): Job => ({
	id: JOB,
	kind: 'send',
	sid: 'AAAAAAAAAAAAAAAAAAAAAA',
	status: 'running',
	error: null,
	sources: Array.from({ length: sources }, (_, i) => source(`c${i}`)),
	afterwards: 'keep',
	manifest: null,
	delivered: false,
	rests: 0,
	parts: { sealed: 0, sent: 0 },
	sealed: { bytes: 0, sentBytes: 0 },
	startedAt: 0,
	finishedAt: null,
});

/** Makes the row, or takes up the one that is there. */
async function open(sources = 1) {
	const worker = await load();
	if (!(await worker.read(worker.jobKey(JOB))))
		await worker.commit([{ key: worker.jobKey(JOB), expect: 0, value: emptyJob(sources) }]);
	const row = await worker.read<Job>(worker.jobKey(JOB));
	const job = row!.value;
	return { ...worker, job, writer: await worker.Writer.open(job, row!.revision) };
}

/** Opens the parts on disk as the agent would, in order; `closed` says whether the last is marked as such. */
async function delivered(index = 0, name = 'all') {
	const { job, readRaw, partsKey, gunzip } = await open();
	const stream = job.sources[index]?.streams[name];
	const texts: string[] = [];
	for (let n = 0; n < (stream?.parts ?? 0); n++) {
		const part = await readRaw<Part>([...partsKey(JOB, index, name), n]);
		const last = stream!.closed && n === stream!.parts - 1;
		const position = { sid: job.sid!, bid: stream!.bid, n, last };
		const segment = await openPart(part!.octets!, stream!.key, position);
		texts.push(new TextDecoder('utf-8', { fatal: true }).decode(await gunzip(Uint8Array.from(segment))));
	}
	return { job, stream, texts };
}

/** A line of about a megabyte: four or five of them make a part. Hardly compresses in memory, but quickly. */
const big = (mark: string) => `{"resourceType":"Basic","mark":"${mark}","x":"${'🩺é\\ud83e\\ude7a'.repeat(60_000)}"}`;

test('lines come out as they went in, one to a line, with counts that fit', async () => {
	const { writer, job } = await open();
	const lines = ['{"a":"é🩺"}', '{"b":"\\ud83e\\ude7a"}', '{"c":"line\\nbreak"}'];
	writer.append(0, 'all', ndjson(lines));
	writer.close(0, 'all');
	await writer.checkpoint();
	const { texts, stream } = await delivered();
	expect(texts).toEqual([`${lines.join('\n')}\n`]);
	expect(stream).toMatchObject({ parts: 1, lines: 3, bytes: Buffer.byteLength(texts[0] ?? ''), closed: true });
	expect(job.sources[0]?.streams.all?.closed).toBe(true);
});

test('a long stream is cut at line ends, and only its last part says so', async () => {
	const { writer } = await open();
	const lines = Array.from({ length: 12 }, (_, i) => big(String(i)));
	for (const line of lines) {
		writer.append(0, 'all', ndjson([line]));
		await writer.keepUp();
	}
	writer.close(0, 'all');
	await writer.checkpoint();
	const { texts } = await delivered();
	expect(texts.length).toBeGreaterThan(1);
	expect(texts.every((text) => text.endsWith('\n') || text === '')).toBe(true);
	expect(texts.join('')).toBe(`${lines.join('\n')}\n`);
	expect((await rowsOnDisk()).filter(({ key }) => Array.isArray(key) && key[0] === 'chunk')).toEqual([]);
});

test('a part says in its seal whether it is the last', async () => {
	const { writer, job } = await open();
	writer.append(0, 'all', ndjson(['{}']));
	writer.close(0, 'all');
	await writer.checkpoint();
	const octets = await writer.octets(writer.parts[0]!);
	const { bid, key } = job.sources[0]!.streams.all!;
	const at = { sid: job.sid!, bid, n: 0 };
	await expect(openPart(octets!, key, { ...at, last: false })).rejects.toMatchObject({ code: 'part_invalid' });
	await expect(openPart(octets!, key, { ...at, last: true })).resolves.toBeDefined();
});

test('what was not checkpointed is not in the row either', async () => {
	const { writer, job } = await open();
	writer.append(0, 'all', ndjson(['{"n":1}']));
	job.sources[0]!.resources = 1;
	await writer.checkpoint();
	writer.append(0, 'all', ndjson(['{"n":2}']));
	job.sources[0]!.resources = 2;
	kill();
	const next = await open();
	expect(next.job.sources[0]?.resources).toBe(1);
	next.writer.append(0, 'all', ndjson(['{"n":3}']));
	next.writer.close(0, 'all');
	await next.writer.checkpoint();
	expect((await delivered()).texts.join('')).toBe('{"n":1}\n{"n":3}\n');
});

test('what comes in while a checkpoint is being written belongs to the next one', async () => {
	const { writer, job } = await open();
	writer.append(0, 'all', ndjson(['{"n":1}']));
	job.sources[0]!.resources = 1;
	const first = writer.checkpoint();
	await Promise.resolve();
	writer.append(0, 'all', ndjson(['{"n":2}']));
	job.sources[0]!.resources = 2;
	await first;
	kill();
	const next = await open();
	expect(next.job.sources[0]?.resources).toBe(1);
	next.writer.close(0, 'all');
	await next.writer.checkpoint();
	expect((await delivered()).texts.join('')).toBe('{"n":1}\n');
});

test('a part that is sealed is never sealed anew: after a death its octets are the same', async () => {
	const { writer } = await open();
	writer.append(0, 'all', ndjson(['{"n":1}']));
	writer.close(0, 'all');
	await writer.checkpoint();
	const before = await writer.octets(writer.parts[0]!);
	kill();
	const next = await open();
	await next.writer.checkpoint();
	await next.writer.checkpoint();
	expect(next.writer.parts).toHaveLength(1);
	expect(Buffer.from((await next.writer.octets(next.writer.parts[0]!))!)).toEqual(Buffer.from(before!));
});

test('a part that was sent keeps its digest and gives its octets back', async () => {
	const { writer } = await open();
	writer.append(0, 'all', ndjson(['{"n":1}']));
	writer.close(0, 'all');
	await writer.checkpoint();
	const [part] = writer.parts;
	const { digest, size } = part!;
	await writer.markSent(part!);
	kill();
	const next = await open();
	expect(next.writer.parts).toEqual([{ source: 0, name: 'all', n: 0, size, digest, sent: true }]);
	expect(await next.writer.octets(next.writer.parts[0]!)).toBeNull();
});

test('of two workers with one job the second to write is refused', async () => {
	const first = await open();
	vi.resetModules();
	const second = await open();
	first.writer.append(0, 'all', ndjson(['{"from":"first"}']));
	await first.writer.checkpoint();
	second.writer.append(0, 'all', ndjson(['{"from":"second"}']));
	await expect(second.writer.checkpoint()).rejects.toMatchObject({ name: 'Conflict' });
	await expect(second.writer.checkpoint()).rejects.toMatchObject({ name: 'Conflict' });
	const next = await open();
	next.writer.close(0, 'all');
	await next.writer.checkpoint();
	expect((await delivered()).texts.join('')).toBe('{"from":"first"}\n');
});

test('nothing of a line is in plaintext on disk, waiting or sealed', async () => {
	const { writer } = await open();
	writer.append(0, 'all', ndjson(['{"name":"Camila-Lopez-1987"}']));
	await writer.checkpoint();
	writer.append(0, 'all', ndjson(['{"name":"Camila-Lopez-1987"}']));
	writer.close(0, 'all');
	await writer.checkpoint();
	writer.append(0, 'other', ndjson(['{"name":"Camila-Lopez-1987"}']));
	await writer.checkpoint();
	const disk = (await rowsOnDisk()).map(({ value }) => textIn(value)).join('\n');
	expect(disk).not.toContain('Camila');
});

const ndjson = (texts: string[]): Line[] =>
	texts.map((text) => ({ type: 'Observation', id: null, octets: new TextEncoder().encode(text) }));

describe('whatever is appended, checkpointed, closed and killed, in any order', () => {
	/** A stream of this many lines' worth of marks; 'big' ones force cuts in the middle. */
	type Step =
		| { do: 'append'; stream: string; source: number; sizes: ('small' | 'big')[] }
		| { do: 'checkpoint' | 'both' | 'die' | 'die during checkpoint' };
	const step: fc.Arbitrary<Step> = fc.oneof(
		{
			weight: 5,
			arbitrary: fc.record({
				do: fc.constant('append' as const),
				source: fc.integer({ min: 0, max: 1 }),
				stream: fc.constantFrom('all', 'other'),
				sizes: fc.array(fc.constantFrom('small' as const, 'small' as const, 'small' as const, 'big' as const), {
					minLength: 1,
					maxLength: 3,
				}),
			}),
		},
		{ weight: 3, arbitrary: fc.record({ do: fc.constantFrom('checkpoint' as const, 'both' as const) }) },
		{ weight: 2, arbitrary: fc.record({ do: fc.constantFrom('die' as const, 'die during checkpoint' as const) }) },
	);
	const strange = '"\\ud83e\\ude7a 🩺 e\u0301 \\u0000 \\n 한글"';

	beforeEach(() => vi.resetModules());

	test('the parts hold exactly the lines that the row says were read, in order', async () => {
		let run = 0;
		await fc.assert(
			fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
				run++;
				const { destroy } = await import('../../../sw/wallet/db.js');
				await destroy();
				kill();
				let n = 0;
				// The row carries what it knows of as `kinds`: the marks of each stream, in order.
				const known = (job: Job) => job.sources.map(({ kinds }) => kinds.map(({ type }) => type));
				let at = await open(2);
				const reopen = async () => {
					kill();
					at = await open(2);
				};
				for (const step of steps) {
					if (step.do === 'append') {
						const marks = step.sizes.map((size) => ({ mark: `${run}-${n++}`, size }));
						const lines = marks.map(({ mark, size }) =>
							size === 'big' ? big(mark) : `{"resourceType":"Basic","mark":"${mark}","x":${strange}}`,
						);
						at.writer.append(step.source, step.stream, ndjson(lines));
						for (const { mark } of marks)
							at.job.sources[step.source]!.kinds.push({ ...kind, type: `${step.stream} ${mark}` });
					} else if (step.do === 'checkpoint') await at.writer.checkpoint();
					else if (step.do === 'both') await Promise.all([at.writer.checkpoint(), at.writer.checkpoint()]);
					else if (step.do === 'die') await reopen();
					else {
						void at.writer.checkpoint().catch(() => {});
						await new Promise((resolve) => setImmediate(resolve));
						await reopen();
					}
				}
				await reopen();
				const expected = known(at.job);
				for (const [index, { streams }] of at.job.sources.entries())
					for (const name of Object.keys(streams)) at.writer.close(index, name);
				await at.writer.checkpoint();
				for (const index of [0, 1]) {
					for (const name of ['all', 'other']) {
						const { texts, stream } = await delivered(index, name);
						const lines = texts.join('').split('\n').slice(0, -1);
						const marks = lines.map((line) => `${name} ${(JSON.parse(line) as { mark: string }).mark}`);
						expect(marks).toEqual(expected[index]!.filter((mark) => mark.startsWith(`${name} `)));
						for (const line of lines) if (line.length < 1000) expect(line).toContain(strange);
						expect(stream?.lines ?? 0).toBe(lines.length);
						expect(stream?.bytes ?? 0).toBe(Buffer.byteLength(texts.join('')));
					}
				}
			}),
			{ numRuns: 30 },
		);
	});
});

test('what arrived at once is cut into parts of about one segment, at line ends, with nothing lost', async () => {
	const { cutSegments } = await import('../../../sw/jobs/writer.js');
	const line = (octets: number) => new TextEncoder().encode(`${'x'.repeat(octets - 1)}\n`);
	const MIB = 1024 * 1024;
	const join = (some: Uint8Array[]) => Buffer.concat(some);
	// Eight documents, a page of many lines, a line that is longer than a segment.
	const page = join(Array.from({ length: 20 }, () => line(MIB)));
	const pieces = [...Array.from({ length: 8 }, () => line(6 * MIB)), new Uint8Array(page), line(20 * MIB), line(10)];
	const segments = cutSegments(pieces).map(join);
	expect(join(segments).equals(join(pieces))).toBe(true);
	for (const segment of segments) {
		expect(segment.at(-1)).toBe(10);
		expect(segment.length <= 8 * MIB || segment.length === 20 * MIB).toBe(true);
	}
	expect(cutSegments([])).toEqual([[]]);
});

test('many streams that hold much all together are cut before each has enough for a part', async () => {
	const { writer } = await open();
	for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) writer.append(0, name, ndjson([big(name), big(name)]));
	await writer.keepUp();
	await writer.checkpoint();
	expect(writer.parts.length).toBeGreaterThan(0);
	for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) writer.close(0, name);
	await writer.checkpoint();
	for (const name of ['a', 'b', 'c', 'd', 'e', 'f'])
		expect((await delivered(0, name)).texts.join('')).toBe(`${big(name)}\n`.repeat(2));
});

test('a job that is taken up again knows which parts are sent, also those of an earlier version', async () => {
	const { writer, commit, readRaw } = await open();
	const { partKey, sealKey } = await import('../../../sw/jobs/job.js');
	writer.append(0, 'all', ndjson(['{"n":1}']));
	writer.close(0, 'all');
	await writer.checkpoint();
	const { size, digest } = writer.parts[0]!;
	const old = await readRaw<Part>(partKey(JOB, 0, 'all', 0));
	const at = [JOB, 0, 'all', 0] as const;
	await commit([{ key: sealKey(...at), remove: true }]);
	kill();
	const next = await open();
	expect(next.writer.parts).toEqual([{ source: 0, name: 'all', n: 0, size, digest, sent: false }]);
	await next.commit([{ key: partKey(...at), raw: { ...old, octets: null } }]);
	kill();
	expect((await open()).writer.parts).toEqual([{ source: 0, name: 'all', n: 0, size, digest, sent: true }]);
});
