import { expect, test } from 'vitest';
import { addTitles, type DocumentTitles, documentFile } from '../../../sw/fhir/document-files.js';

const binary = (id: string, contentType: string, text: string) =>
	JSON.stringify({ resourceType: 'Binary', id, contentType, data: Buffer.from(text).toString('base64') });

const titles: DocumentTitles = new Map();
addTitles(
	titles,
	JSON.stringify({
		resourceType: 'DocumentReference',
		type: { coding: [{ display: 'Discharge summary' }] },
		date: '2024-03-12T08:00:00Z',
		content: [{ attachment: { url: 'https://ehr.test/fhir/Binary/a' } }, { attachment: { url: 'Binary/b' } }],
	}),
);
addTitles(
	titles,
	JSON.stringify({
		resourceType: 'DiagnosticReport',
		code: { text: '../Bérnard/..\\: CON?' },
		presentedForm: [{ url: 'Binary/c', contentType: 'text/html' }],
	}),
);

test('a document is named by day and title, and two of one name are kept apart', () => {
	const taken = new Set<string>();
	const first = documentFile(binary('a', 'application/pdf', '%PDF-1.4'), titles, taken);
	expect(first?.name).toBe('2024-03-12 Discharge summary.pdf');
	expect(Buffer.from(first?.bytes ?? []).toString()).toBe('%PDF-1.4');
	expect(documentFile(binary('b', 'application/PDF; x=y', 'x'), titles, taken)?.name).toBe(
		'2024-03-12 Discharge summary (2).pdf',
	);
});

test('a title cannot lead out of its folder', () => {
	expect(documentFile(binary('c', 'text/html', 'x'), titles, new Set())?.name).toBe('Bérnard CON.html');
});

test('a document that nothing refers to, of a type that nobody knows, is a document all the same', () => {
	const taken = new Set<string>();
	expect(documentFile(binary('z', 'constructor', 'x'), titles, taken)?.name).toBe('Document.bin');
	expect(documentFile(binary('y', 'application/hl7-v3+xml', 'x'), titles, taken)?.name).toBe('Document.xml');
});

test('what is no Binary, or holds nothing that decodes, is no file', () => {
	const taken = new Set<string>();
	expect(documentFile('{"resourceType":"Patient","data":"eA=="}', titles, taken)).toBeNull();
	expect(documentFile('{"resourceType":"Binary","id":"q"}', titles, taken)).toBeNull();
	expect(documentFile('{"resourceType":"Binary","id":"q","data":"§§"}', titles, taken)).toBeNull();
});

test('a DSTU2 Binary has its content under another name', () => {
	const { data: content, ...rest } = JSON.parse(binary('z', 'text/plain', 'Größe'));
	const file = documentFile(JSON.stringify({ ...rest, content }), titles, new Set());
	expect(Buffer.from(file?.bytes ?? []).toString()).toBe('Größe');
	expect(documentFile(JSON.stringify(rest), titles, new Set())).toBeNull();
});
