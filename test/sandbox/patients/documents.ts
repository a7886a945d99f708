/** Documents as providers hand them out: C-CDA, PDF, HTML, RTF and plain text, of about a given size. */
import { deflateSync } from 'node:zlib';
import { sentence } from './prose.js';
import type { Random } from './random.js';

export interface Document {
	contentType: string;
	title: string;
	content: Buffer;
}

const sentences = [
	'The patient reports feeling well and sleeping through the night.',
	'Blood pressure was taken twice, seated, after five minutes of rest.',
	'No new complaints since the last visit; medicines are taken as agreed.',
	'Lungs are clear on both sides, the heart sounds are regular.',
	'We talked about walking thirty minutes on most days of the week.',
	'Laboratory results were reviewed together and are explained below.',
	'Temperature 36.8 °C, oxygen saturation 98 %, weight unchanged (± 0.5 kg).',
	'Señora López’s daughter drove her here and will help with the tablets. 👍',
	'A follow-up is planned in three months, sooner if anything changes.',
	'The wound on the left forearm has closed and needs no further dressing.',
];

/** Paragraphs of about `size` octets. */
function paragraphs(random: Random, size: number): string[] {
	const result: string[] = [];
	for (let length = 0; length < size; ) {
		const one = () => (random.chance(0.15) ? random.pick(sentences) : sentence(random));
		const text = Array.from({ length: random.whole(3, 6) }, one).join(' ');
		result.push(text);
		length += Buffer.byteLength(text);
	}
	return result;
}

const ascii = (text: string) => text.replace(/[^\x20-\x7e]/g, '?');
const xml = (text: string) => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);

/** A valid PDF 1.4 with one text column a page, deflated as nearly all are, and a cross-reference table. */
export function pdf(title: string, texts: string[]): Buffer {
	const lines = [title, '', ...texts.flatMap((text) => ascii(text).match(/.{1,90}(?:\s|$)/g) ?? []), ''];
	const pages: string[][] = [];
	for (let i = 0; i < lines.length; i += 52) pages.push(lines.slice(i, i + 52));
	const objects = [
		'<< /Type /Catalog /Pages 2 0 R >>',
		`<< /Type /Pages /Count ${pages.length} /Kids [${pages.map((_, i) => `${4 + 2 * i} 0 R`).join(' ')}] >>`,
		'<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>',
	];
	for (const [i, page] of pages.entries()) {
		const shown = page
			.map(
				(line) =>
					`(${ascii(line)
						.trimEnd()
						.replace(/[\\()]/g, '\\$&')}) '`,
			)
			.join('\n');
		const stream = deflateSync(`BT /F1 10 Tf 14 TL 50 790 Td\n${shown}\nET`).toString('latin1');
		objects.push(
			`<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >> /Contents ${5 + 2 * i} 0 R >>`,
			`<< /Length ${stream.length} /Filter /FlateDecode >>\nstream\n${stream}\nendstream`,
		);
	}
	const parts = ['%PDF-1.4\n'];
	const offsets: number[] = [];
	let offset = parts[0]!.length;
	for (const [i, object] of objects.entries()) {
		offsets.push(offset);
		const part = `${i + 1} 0 obj\n${object}\nendobj\n`;
		parts.push(part);
		offset += part.length;
	}
	const table = offsets.map((at) => `${String(at).padStart(10, '0')} 00000 n \n`).join('');
	parts.push(`xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${table}`);
	parts.push(`trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${offset}\n%%EOF\n`);
	return Buffer.from(parts.join(''), 'latin1');
}

function ccda(title: string, patient: string, time: string, texts: string[]): Buffer {
	const sections = texts.map(
		(text, i) =>
			`<component><section><code code="10164-2" codeSystem="2.16.840.1.113883.6.1"/><title>Part ${i + 1}</title><text><paragraph>${xml(text)}</paragraph></text></section></component>`,
	);
	return Buffer.from(
		`<?xml version="1.0" encoding="UTF-8"?>
<ClinicalDocument xmlns="urn:hl7-org:v3"><realmCode code="US"/><typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/><templateId root="2.16.840.1.113883.10.20.22.1.2" extension="2015-08-01"/><code code="34133-9" codeSystem="2.16.840.1.113883.6.1" displayName="Summarization of Episode Note"/><title>${xml(title)}</title><effectiveTime value="${time.replace(/\D/g, '').slice(0, 14)}+0000"/><recordTarget><patientRole><patient><name>${xml(patient)}</name></patient></patientRole></recordTarget><component><structuredBody>
${sections.join('\n')}
</structuredBody></component></ClinicalDocument>
`,
		'utf8',
	);
}

function rtf(title: string, texts: string[]): Buffer {
	const escaped = (text: string) =>
		[...text.replace(/[\\{}]/g, '\\$&')]
			.map((character) =>
				character <= '\x7e'
					? character
					: // RTF writes UTF-16 code units as signed 16-bit numbers, each with a stand-in.
						Array.from({ length: character.length }, (_, i) => `\\u${(character.charCodeAt(i) << 16) >> 16}?`).join(''),
			)
			.join('');
	const body = texts.map((text) => `\\pard ${escaped(text)}\\par`).join('\n');
	return Buffer.from(
		`{\\rtf1\\ansi\\deff0{\\fonttbl{\\f0 Helvetica;}}\\f0\\fs20\n{\\b ${escaped(title)}}\\par\n${body}\n}`,
		'latin1',
	);
}

function html(title: string, texts: string[]): Buffer {
	const body = texts.map((text) => `<p>${xml(text)}</p>`).join('\n');
	return Buffer.from(
		`<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>${xml(title)}</title></head><body><h1>${xml(title)}</h1>\n${body}\n</body></html>\n`,
		'utf8',
	);
}

export const kinds = ['ccda', 'pdf', 'html', 'rtf', 'text'] as const;
export type DocumentKind = (typeof kinds)[number];

/** `time` is ISO 8601. */
export function makeDocument(
	random: Random,
	kind: DocumentKind,
	size: number,
	patient: string,
	time: string,
): Document {
	// Deflated it is as long as the others.
	const texts = paragraphs(random, kind === 'pdf' ? size * 3 : size);
	const title = `${kind === 'ccda' ? 'Visit summary' : random.pick(['Progress note', 'Letter', 'Discharge note'])} ${time.slice(0, 10)}`;
	switch (kind) {
		case 'ccda':
			return { contentType: 'application/xml', title, content: ccda(title, patient, time, texts) };
		case 'pdf':
			return { contentType: 'application/pdf', title, content: pdf(title, texts) };
		case 'html':
			return { contentType: 'text/html', title, content: html(title, texts) };
		case 'rtf':
			return { contentType: 'application/rtf', title, content: rtf(title, texts) };
		case 'text':
			return {
				contentType: 'text/plain; charset=utf-8',
				title,
				content: Buffer.from(`${title}\n\n${texts.join('\n\n')}\n`),
			};
	}
}
