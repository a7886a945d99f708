/**
 * The zip of a finished `collect` job, made while it is downloaded: one folder a source, in it an NDJSON file for each
 * resource type, and the documents as files that open by themselves; `index.json` says for all sources what could not be read. Parts are opened one at a time, so that memory stays
 * at about one part whatever the record's size.
 */
import { Zip, type ZipInputFile } from 'fflate';
import { openPart } from '../../relay/envelope.js';
import { tell } from '../../relay/report.js';
import { attachment, day } from '../attachment.js';
import { BrokerError } from '../errors.js';
import { addTitles, type DocumentTitles, documentFile } from '../fhir/document-files.js';
import { readRaw } from '../wallet/rows.js';
import { deflater } from './deflate.js';
import { gunzip } from './gzip.js';
import { type Job, type Part, partKey } from './job.js';
import { getJob } from './store.js';

/** The zip format's number of the deflate method (APPNOTE, section 4.4.5). */
const DEFLATE = 8;

/** @throws {BrokerError} `job_unknown` where there is no finished `collect` job of this id */
export async function zipResponse(jobId: string): Promise<{ response: Response; done: Promise<void> }> {
	const job = await getJob(jobId);
	if (job.kind !== 'collect' || job.status !== 'done') throw new BrokerError('job_unknown');
	const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
	const done = writeZip(job, writable);
	const name = `health-records-${day(job.finishedAt ?? Date.now())}.zip`;
	return { response: attachment(readable, 'application/zip', name), done };
}

async function writeZip(job: Job, writable: WritableStream<Uint8Array>): Promise<void> {
	const writer = writable.getWriter();
	try {
		// fflate calls back in the same turn; writing waits for whoever downloads.
		let made: Uint8Array[] = [];
		const zip = new Zip((error, data) => {
			if (error) throw error;
			made.push(data);
		});
		const flush = async () => {
			const pieces = made;
			made = [];
			for (const piece of pieces) await writer.write(piece);
		};
		for await (const { path, pieces } of files(job)) {
			const file: ZipInputFile = { filename: path, compression: DEFLATE, crc: 0, size: 0 };
			zip.add(file);
			const { push, end } = deflater((octets) => {
				file.ondata?.(null, octets, false);
				return flush();
			});
			for await (const piece of pieces) await push(piece);
			Object.assign(file, await end());
			file.ondata?.(null, new Uint8Array(0), true);
			await flush();
		}
		zip.end();
		await flush();
		await writer.close();
	} catch (error) {
		// A download that breaks off is shown as failed by the browser: better than a zip that looks whole.
		await writer.abort(error).catch(() => {});
	}
}

interface ZipEntry {
	path: string;
	pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

async function* files(job: Job): AsyncGenerator<ZipEntry> {
	const sources: object[] = [];
	for (const [index, source] of job.sources.entries()) {
		// It went on without this one, of which there is nothing.
		if (source.left && Object.keys(source.streams).length === 0) continue;
		const folder = `${String(index + 1).padStart(2, '0')}-${slug(source.name)}`;
		for (const name of Object.keys(source.streams).sort()) {
			yield { path: `${folder}/${name}.ndjson`, pieces: parts(job, index, name) };
		}
		yield* documents(job, index, `${folder}/documents`);
		const { name, patient, fhirBaseUrl, fhirVersion, fetchedAt, resources, bytes, queries } = source;
		const about = { name, patient, fhirBaseUrl, fhirVersion, fetchedAt, resources, bytes };
		const told = tell(queries);
		yield { path: `${folder}/index.json`, pieces: json({ ...about, ...told, queries }) };
		sources.push({ folder, ...about, ...told });
	}
	const madeAt = new Date(job.finishedAt ?? Date.now()).toISOString();
	yield { path: 'index.json', pieces: json({ v: 1, madeAt, sources }) };
}

function json(value: object): Uint8Array[] {
	return [new TextEncoder().encode(`${JSON.stringify(value, null, '\t')}\n`)];
}

/** Every Binary once more, decoded and named by what refers to it. */
async function* documents(job: Job, index: number, folder: string): AsyncGenerator<ZipEntry> {
	const titles: DocumentTitles = new Map();
	for (const type of ['DiagnosticReport', 'DocumentReference']) {
		for await (const line of lines(job, index, type)) addTitles(titles, line);
	}
	const taken = new Set<string>();
	for await (const line of lines(job, index, 'Binary')) {
		const file = documentFile(line, titles, taken);
		if (file) yield { path: `${folder}/${file.name}`, pieces: [file.bytes] };
	}
}

/** A part ends where a line ends. */
async function* lines(job: Job, index: number, name: string): AsyncGenerator<string> {
	const utf8 = new TextDecoder();
	for await (const octets of parts(job, index, name)) {
		for (let from = 0; from < octets.length; ) {
			const end = octets.indexOf(10, from);
			const to = end < 0 ? octets.length : end;
			yield utf8.decode(octets.subarray(from, to));
			from = to + 1;
		}
	}
}

async function* parts(job: Job, index: number, name: string): AsyncGenerator<Uint8Array> {
	const stream = job.sources[index]?.streams[name];
	if (!stream) return;
	for (let n = 0; n < stream.parts; n++) {
		const part = await readRaw<Part>(partKey(job.id, index, name, n));
		if (!part?.octets) throw new BrokerError('storage_failed');
		const position = { sid: job.id, bid: stream.bid, n, last: n === stream.parts - 1 };
		yield await gunzip((await openPart(part.octets, stream.key, position)) as Uint8Array<ArrayBuffer>);
	}
}

/** A folder name that every file system takes. */
function slug(name: string): string {
	const ascii = name
		.normalize('NFD')
		.replace(/\p{M}/gu, '')
		.toLowerCase()
		.replace(/[^a-z0-9]+/g, '-')
		.replace(/^-+|-+$/g, '');
	return ascii.slice(0, 40) || 'provider';
}
