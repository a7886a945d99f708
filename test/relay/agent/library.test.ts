import {
	appendFileSync,
	mkdirSync,
	readFileSync,
	renameSync,
	rmSync,
	symlinkSync,
	truncateSync,
	writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Item, openLibrary } from '../../../relay/agent/library/library.js';
import { deliver, strangersFolder, tamper } from './delivery-support.js';
import { temporaryFolder } from './fake.js';

const patient = { resourceType: 'Patient', id: 'p1' };
const condition = (id: string | undefined, text = 'Asthma') => ({ resourceType: 'Condition', id, code: { text } });
const document = {
	resourceType: 'Binary',
	id: 'b1',
	contentType: 'text/plain',
	data: Buffer.from('Hello').toString('base64'),
};

async function all(items: AsyncIterable<Item>): Promise<Item[]> {
	const list: Item[] = [];
	for await (const item of items) list.push(item);
	return list;
}

const code = (expected: string) => expect.objectContaining({ code: expected });

test('gives every resource, source by source and file by file, with the name it can be asked for', async () => {
	const dir = await deliver(
		{ resources: [patient, condition('c1'), condition(undefined), condition('no good id')] },
		{ name: 'Harbor', resources: [condition('c1', 'Gout')] },
	);
	const library = await openLibrary(dir);
	const items = await all(library.items());
	expect(items.map(({ ref }) => ref)).toEqual([
		'01-lakeside-health/Condition/c1',
		'01-lakeside-health/Condition/#2',
		'01-lakeside-health/Condition/#3',
		'01-lakeside-health/Patient/p1',
		'02-harbor/Condition/c1',
	]);
	for (const { ref, resource, source } of items) {
		const again = await library.item(ref);
		expect(again.resource).toEqual(resource);
		expect(again.source).toBe(source);
	}
	expect((await all(library.items(['Patient']))).map(({ ref }) => ref)).toEqual(['01-lakeside-health/Patient/p1']);
});

test('of two resources of one id each can be had by its line', async () => {
	const library = await openLibrary(await deliver({ resources: [condition('c1', 'Old'), condition('c1', 'New')] }));
	expect((await library.item('01-lakeside-health/Condition/c1')).resource).toEqual(condition('c1', 'Old'));
	expect((await library.item('01-lakeside-health/Condition/#2')).resource).toEqual(condition('c1', 'New'));
});

test('what is listed under a name is what that name reads, though a source has two of one id', async () => {
	const resources = Array.from({ length: 3000 }, (_, i) => condition(`c${i % 2900}`, `Number ${i}`));
	const library = await openLibrary(await deliver({ resources }));
	const items = await all(library.items());
	expect(new Set(items.map(({ ref }) => ref)).size).toBe(3000);
	for (const { ref, resource } of items.slice(2890)) expect((await library.item(ref)).resource).toEqual(resource);
	expect(items[2899]?.ref).toBe('01-lakeside-health/Condition/c2899');
	expect(items[2900]?.ref).toBe('01-lakeside-health/Condition/#2901');
});

test('an index that was written can be read, whatever a document calls itself', async () => {
	const names = { id: 'x'.repeat(100_000), contentType: 'y'.repeat(100_000) };
	const titles = { ...document, ...names };
	const reference = {
		resourceType: 'DocumentReference',
		id: 'd1',
		description: '🙂'.repeat(5000),
		type: { text: '\u202e'.repeat(5000) },
		date: '2019'.repeat(5000),
		content: [{ attachment: { url: `Binary/${document.id}` } }],
	};
	const library = await openLibrary(await deliver({ resources: [titles, document, reference] }));
	const documents = library.index.sources[0]?.documents ?? [];
	expect(documents).toHaveLength(2);
	expect(documents[0]).toMatchObject({ id: null, contentType: null });
});

test('the text of an item is its line as served, and its numbers keep their text', async () => {
	const line =
		'{"resourceType":"Observation", "id":"o1","value":1.50,"x":[2,1e3,0.1,-3.0,12345678901234567890],"s":"a, 1.50"}';
	const library = await openLibrary(await deliver({ resources: [line] }));
	const { text, resource } = await library.item('01-lakeside-health/Observation/o1');
	expect(text).toBe(line);
	const x = [2, '1e3', 0.1, '-3.0', '12345678901234567890'];
	expect(resource).toEqual({ resourceType: 'Observation', id: 'o1', value: '1.50', x, s: 'a, 1.50' });
	expect((await all(library.items()))[0]?.resource).toEqual(resource);
});

test('a document is given by the name in the index and by no other', async () => {
	const library = await openLibrary(await deliver({ resources: [document] }));
	const [source] = library.index.sources;
	expect(Buffer.from(await library.document(source!, 'documents/Document.txt')).toString()).toBe('Hello');
	for (const name of ['documents/Other.txt', '../index.json', 'documents/../../index.json', 'Binary.ndjson'])
		await expect(library.document(source!, name)).rejects.toEqual(code('ref_unknown'));
});

test.each([
	'01-lakeside-health/Condition/c2',
	'01-lakeside-health/Condition/#3',
	'01-lakeside-health/Condition/#0',
	'01-lakeside-health/Observation/c1',
	'02-other/Condition/c1',
	'01-lakeside-health/../Condition/c1',
	'01-lakeside-health/__proto__/c1',
	'01-lakeside-health/constructor/c1',
	'/etc/passwd',
	'',
])('%j is no resource here', async (ref) => {
	const library = await openLibrary(await deliver({ resources: [condition('c1'), condition('c0')] }));
	await expect(library.item(ref)).rejects.toEqual(code('ref_unknown'));
});

test('a line of 40 MB and lines that fall on no border of a chunk are read whole', async () => {
	const long = `{"resourceType":"Condition","id":"long","code":{"text":"${'x'.repeat(40_000_000)}\\\\"},"n":1.50}`;
	const short = Array.from({ length: 3000 }, (_, n) => condition(`c${n}`, 'é'.repeat(n % 701)));
	const library = await openLibrary(await deliver({ resources: [...short, long, condition('end')] }));
	const items = await all(library.items());
	expect(items).toHaveLength(3002);
	expect(items.slice(0, 3000).map(({ resource }) => resource)).toEqual(short);
	expect((await library.item('01-lakeside-health/Condition/end')).resource).toEqual(condition('end'));
	const { text, resource } = await library.item('01-lakeside-health/Condition/long');
	expect(text === long).toBe(true);
	expect(resource.n).toBe('1.50');
});

test('a staging folder reads like the delivery that it becomes', async () => {
	const dir = await deliver({ resources: [patient] });
	const staged = join(temporaryFolder(), '.receiving-0123456789abcdef');
	renameSync(dir, staged);
	expect(await all((await openLibrary(staged)).items())).toHaveLength(1);
	rmSync(staged, { recursive: true });
});

test('where nothing was delivered there are no records', async () => {
	const dir = temporaryFolder();
	await expect(openLibrary(dir)).rejects.toEqual(code('no_records'));
	await expect(openLibrary(join(dir, 'nowhere'))).rejects.toEqual(code('no_records'));
	writeFileSync(join(dir, 'file'), '');
	await expect(openLibrary(join(dir, 'file'))).rejects.toEqual(code('no_records'));
});

describe('an index that somebody changed is not believed', () => {
	const manyTypes = Object.fromEntries(
		Array.from({ length: 5000 }, (_, n) => [
			`T${String(n).replace(/\d/g, (digit) => 'abcdefghij'[Number(digit)] ?? '')}`,
			1,
		]),
	);
	const documents = [
		'documents/../../../etc/passwd',
		'documents/..',
		'/etc/passwd',
		'Condition.ndjson',
		'documents/.hidden',
		'documents/a/b',
		'documents\\a',
		'documents/a\u0000',
	];
	test.each<[string, (string | number)[], unknown]>([
		['a folder above', ['sources', 0, 'folder'], '../../x'],
		['an absolute folder', ['sources', 0, 'folder'], '/etc'],
		['no folder', ['sources', 0, 'folder'], ''],
		['a type that is a way', ['sources', 0, 'types'], { '../x': 1 }],
		['types without end', ['sources', 0, 'types'], manyTypes],
		...documents.map((file): [string, (string | number)[], string] => [
			`the document ${JSON.stringify(file)}`,
			['sources', 0, 'documents', 0, 'file'],
			file,
		]),
		['another version', ['v'], 3],
		['sources that are none', ['sources'], { 0: {} }],
		['a count that is none', ['sources', 0, 'resources'], '1'],
		['a count below nothing', ['sources', 0, 'types', 'Condition'], -1],
	])('%s', async (_, path, value) => {
		const dir = await deliver({ resources: [condition('c1'), document] });
		tamper(dir, path, value);
		await expect(openLibrary(dir)).rejects.toEqual(code('records_damaged'));
	});

	test('two sources in one folder', async () => {
		const dir = await deliver({ resources: [patient] }, { resources: [patient] });
		tamper(dir, ['sources', 1, 'folder'], '01-lakeside-health');
		await expect(openLibrary(dir)).rejects.toEqual(code('records_damaged'));
	});

	test.each(['{"v":2,', '[]', 'null', ''])('%j', async (text) => {
		const dir = await deliver({ resources: [patient] });
		writeFileSync(join(dir, 'index.json'), text);
		await expect(openLibrary(dir)).rejects.toEqual(code('records_damaged'));
	});

	test('one larger than any', async () => {
		const dir = await deliver({ resources: [patient] });
		truncateSync(join(dir, 'index.json'), 200 * 1024 * 1024);
		await expect(openLibrary(dir)).rejects.toEqual(code('records_damaged'));
	});
});

describe('files that are not as they were written', () => {
	const read = async (dir: string) => all((await openLibrary(dir)).items());
	const records = { resources: [condition('c1'), condition('c2'), document] };
	const file = '01-lakeside-health/Condition.ndjson';

	test.each<[string, (path: string) => void]>([
		['no JSON', (path) => appendFileSync(path, 'not json\n')],
		['no object', (path) => writeFileSync(path, '[1]\n"x"\n')],
		['a blank line', (path) => appendFileSync(path, '\n')],
		['no UTF-8', (path) => writeFileSync(path, Buffer.from([0x7b, 0xff, 0x7d, 0x0a]))],
		['a line less', (path) => writeFileSync(path, readFileSync(path, 'utf8').split('\n')[0] ?? '')],
		['a line more', (path) => appendFileSync(path, '{}\n')],
		['gone', (path) => rmSync(path)],
		[
			'a folder',
			(path) => {
				rmSync(path);
				mkdirSync(path);
			},
		],
	])('%s', async (_, change) => {
		const dir = await deliver(records);
		change(join(dir, file));
		await expect(read(dir)).rejects.toEqual(code('records_damaged'));
		await expect((await openLibrary(dir)).item('01-lakeside-health/Condition/c2')).rejects.toEqual(
			code('records_damaged'),
		);
	});

	test('links are followed nowhere on the way', async () => {
		const stranger = strangersFolder();
		for (const [link, to] of [
			['01-lakeside-health', stranger],
			['01-lakeside-health/Condition.ndjson', join(stranger, 'Condition.ndjson')],
		] as const) {
			const dir = await deliver({ resources: [condition('c1')] });
			rmSync(join(dir, link), { recursive: true });
			symlinkSync(to, join(dir, link));
			await expect(read(dir)).rejects.toEqual(code('records_damaged'));
			await expect((await openLibrary(dir)).item('01-lakeside-health/Condition/stolen')).rejects.toEqual(
				code('records_damaged'),
			);
		}
		for (const [link, to] of [
			['documents', join(stranger, 'documents')],
			['documents/Document.txt', join(stranger, 'documents', 'a.txt')],
		] as const) {
			const dir = await deliver(records);
			rmSync(join(dir, '01-lakeside-health', link), { recursive: true });
			symlinkSync(to, join(dir, '01-lakeside-health', link));
			const library = await openLibrary(dir);
			await expect(library.document(library.index.sources[0]!, 'documents/Document.txt')).rejects.toEqual(
				code('records_damaged'),
			);
		}
		const dir = await deliver(records);
		renameSync(join(dir, 'index.json'), join(dir, 'other.json'));
		symlinkSync('other.json', join(dir, 'index.json'));
		await expect(openLibrary(dir)).rejects.toEqual(code('records_damaged'));
	});

	test('a document of another size is not the one that was written', async () => {
		const dir = await deliver(records);
		appendFileSync(join(dir, '01-lakeside-health', 'documents', 'Document.txt'), '!');
		const library = await openLibrary(dir);
		await expect(library.document(library.index.sources[0]!, 'documents/Document.txt')).rejects.toEqual(
			code('records_damaged'),
		);
	});
});
