/** Writes small valid PDFs: text at positions, pages without any, and encrypted ones (standard handler, revision 3, RC4). */
import { createHash } from 'node:crypto';
import { deflateSync } from 'node:zlib';

/** `[x, y, text]` in points from the lower left, 12 points high. */
export type Placed = [number, number, string];

/** What is on it, or its operators as they are. */
export type PdfPage = Placed[] | string;

export interface PdfOptions {
	/** Needed to open it; '' is a PDF that anybody can open and that is encrypted all the same. */
	password?: string;
	/** Objects more, from the number that follows the pages; `annots` of the first page refers to them. */
	extra?: (first: number) => { annots: string; objects: string[] };
	compress?: boolean | 'twice';
}

const PAD = Buffer.from('28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A', 'hex');
const ID = Buffer.alloc(16, 7);
const md5 = (...parts: Uint8Array[]) => createHash('md5').update(Buffer.concat(parts)).digest();

function rc4(key: Uint8Array, data: Uint8Array): Buffer {
	const s = Array.from({ length: 256 }, (_, i) => i);
	for (let i = 0, j = 0; i < 256; i++) {
		j = (j + s[i]! + key[i % key.length]!) & 255;
		[s[i], s[j]] = [s[j]!, s[i]!];
	}
	let [i, j] = [0, 0];
	const sealed = data.map((octet) => {
		i = (i + 1) & 255;
		j = (j + s[i]!) & 255;
		[s[i], s[j]] = [s[j]!, s[i]!];
		return octet ^ s[(s[i]! + s[j]!) & 255]!;
	});
	return Buffer.from(sealed);
}

/** ISO 32000-1, 7.6.3: algorithms 2, 3 and 5. */
function encryption(password: string) {
	const padded = Buffer.concat([Buffer.from(password, 'latin1'), PAD]).subarray(0, 32);
	const rounds = (key: Buffer) => Array.from({ length: 50 }).reduce<Buffer>((digest) => md5(digest), md5(key));
	const ownerKey = rounds(padded);
	const twenty = (key: Buffer, first: Buffer) =>
		Array.from({ length: 20 }, (_, i) => i).reduce<Buffer>(
			(data, i) =>
				rc4(
					key.map((octet) => octet ^ i),
					data,
				),
			first,
		);
	const o = twenty(ownerKey, padded);
	const permissions = Buffer.alloc(4);
	permissions.writeInt32LE(-4);
	const key = rounds(Buffer.concat([padded, o, permissions, ID]));
	// rounds() has hashed once: algorithm 2 hashes the whole, then fifty times.
	const u = Buffer.concat([twenty(key, md5(PAD, ID)), Buffer.alloc(16)]);
	return {
		dictionary: `<< /Filter /Standard /V 2 /R 3 /Length 128 /P -4 /O <${o.toString('hex')}> /U <${u.toString('hex')}> >>`,
		seal: (number: number, data: Buffer) => rc4(md5(key, Buffer.from([number & 255, number >> 8, 0, 0, 0])), data),
	};
}

function drawn(page: Placed[]): string {
	// A picture of one grey dot, as large as the page.
	if (page.length === 0) return 'q 612 0 0 792 0 0 cm BI /W 1 /H 1 /BPC 8 /CS /G ID \x80 EI Q';
	const texts = page.map(([x, y, text]) => `1 0 0 1 ${x} ${y} Tm (${text.replace(/[\\()]/g, '\\$&')}) Tj`);
	return `BT /F1 12 Tf ${texts.join('\n')} ET`;
}

export function pdf(pages: PdfPage[], options: PdfOptions = {}): Uint8Array {
	const cipher = options.password === undefined ? null : encryption(options.password);
	const first = 4 + 2 * pages.length;
	const extra = options.extra?.(first) ?? { annots: '', objects: [] };
	const objects: Buffer[] = [];
	const put = (text: string) => objects.push(Buffer.from(text, 'latin1'));
	put('<< /Type /Catalog /Pages 2 0 R >>');
	put(`<< /Type /Pages /Count ${pages.length} /Kids [${pages.map((_, i) => `${4 + 2 * i} 0 R`).join(' ')}] >>`);
	put('<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>');
	pages.forEach((page, i) => {
		const annots = i === 0 && extra.annots ? ` /Annots [${extra.annots}]` : '';
		put(
			`<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents ${5 + 2 * i} 0 R /Resources << /Font << /F1 3 0 R >> >>${annots} >>`,
		);
		const plain = Buffer.from(typeof page === 'string' ? page : drawn(page), 'latin1');
		const once = options.compress ? deflateSync(plain, { level: 1 }) : plain;
		const packed = options.compress === 'twice' ? deflateSync(once) : once;
		const data = cipher ? cipher.seal(5 + 2 * i, packed) : packed;
		const filter = options.compress
			? ` /Filter [/FlateDecode${options.compress === 'twice' ? ' /FlateDecode' : ''}]`
			: '';
		objects.push(
			Buffer.concat([
				Buffer.from(`<< /Length ${data.length}${filter} >>\nstream\n`, 'latin1'),
				data,
				Buffer.from('\nendstream', 'latin1'),
			]),
		);
	});
	extra.objects.forEach(put);
	if (cipher) put(cipher.dictionary);
	const chunks = [Buffer.from('%PDF-1.5\n%\xe2\xe3\xcf\xd3\n', 'latin1')];
	let at = chunks[0]!.length;
	const offsets = objects.map((object, i) => {
		const chunk = Buffer.concat([Buffer.from(`${i + 1} 0 obj\n`), object, Buffer.from('\nendobj\n')]);
		chunks.push(chunk);
		at += chunk.length;
		return at - chunk.length;
	});
	const id = `<${ID.toString('hex')}>`;
	chunks.push(
		Buffer.from(
			`xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('')}` +
				`trailer\n<< /Size ${objects.length + 1} /Root 1 0 R /ID [${id} ${id}]${cipher ? ` /Encrypt ${objects.length} 0 R` : ''} >>\nstartxref\n${at}\n%%EOF\n`,
		),
	);
	return new Uint8Array(Buffer.concat(chunks));
}
