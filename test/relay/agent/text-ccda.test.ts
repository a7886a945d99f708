import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { textOf } from '../../../relay/agent/text/text.js';
import { pdf } from './pdf-writer.js';

const octets = (text: string) => new TextEncoder().encode(text);
const read = (xml: string) => textOf(octets(xml), 'text/xml');
const document = (body: string) =>
	`<?xml version="1.0"?><ClinicalDocument xmlns="urn:hl7-org:v3"><title>Note</title>${body}</ClinicalDocument>`;
const sections = (...all: string[]) =>
	document(
		`<component><structuredBody>${all.map((section) => `<component>${section}</component>`).join('')}</structuredBody></component>`,
	);
const narrative = async (text: string) =>
	(await read(sections(`<section><title>S</title><text>${text}</text></section>`))).text.split('## S\n')[1];

describe('C-CDA', () => {
	test('the head says what it is, about whom, by whom and when', async () => {
		const { text, kind } = await read(
			document(`<code code="34133-9" codeSystem="2.16.840.1.113883.6.1" displayName="Summary"/>
			<effectiveTime value="201309210500-0800"/>
			<recordTarget><patientRole><patient><name use="SRCH"><given>Other</given></name>
				<name use="L"><given>Ana</given><given>M</given><family>Núñez</family></name>
				<administrativeGenderCode code="F"/><birthTime value="19450501"/></patient></patientRole></recordTarget>
			<author><assignedAuthor><assignedPerson><name>Dr. Li</name></assignedPerson>
				<representedOrganization><name>Lakeside</name></representedOrganization></assignedAuthor></author>
			<component><structuredBody/></component>`),
		);
		expect(kind).toBe('ccda');
		expect(text).toBe(
			'# Note\nKind: Summary [LOINC 34133-9]\nPatient: Ana M Núñez, born 1945-05-01, female\n' +
				'Date: 2013-09-21 05:00 -0800\nAuthor: Dr. Li, Lakeside\n\n[The document has no sections.]',
		);
	});

	test('sections stay in order, with their codes and the sections inside them', async () => {
		const inner =
			'<component><section><title>Inner</title><text><paragraph>One</paragraph><paragraph>Two</paragraph></text></section></component>';
		const { text } = await read(
			sections(
				`<section><code code="10160-0" codeSystem="2.16.840.1.113883.6.1"/><title>Outer</title>${inner}</section>`,
				'<n:section xmlns:n="urn:hl7-org:v3"><n:title>Last</n:title><n:text>Line 1\n   Line 2</n:text></n:section>',
			),
		);
		expect(text).toBe('# Note\n\n## Outer [LOINC 10160-0]\n\n### Inner\nOne\nTwo\n\n## Last\nLine 1\nLine 2');
	});

	test('tables keep captions, headers, spans and the lines of a cell', async () => {
		expect(
			await narrative(`<table><caption>Labs</caption><tfoot><tr><td colspan="3">Foot</td></tr></tfoot>
				<thead><tr><th>Date</th><th colspan="2">Result</th></tr></thead>
				<tbody><tr><td rowspan="2">2012</td><td>Hb<br/>(fasting)</td><td>13.2 <content styleCode="Bold">g/dL</content></td></tr>
				<tr><td>WBC</td><td>6.7 10<sup>9</sup>/L</td></tr><tr><td/><td>late</td><td/></tr></tbody></table>`),
		).toBe(
			'Labs\nDate | Result |\n--- | --- | ---\n2012 | Hb; (fasting) | 13.2 g/dL\n2012 | WBC | 6.7 10^9/L\n | late |\nFoot',
		);
	});

	test('lists, notes, links, struck text and pictures are told', async () => {
		expect(
			await narrative(`<list listType="ordered"><caption>Drugs</caption><item>A<list><item>inner</item></list></item>
				<item><content revised="delete">B</content> C</item></list>
				<paragraph>See<footnote ID="n1">as told</footnote>, <linkHtml href="https://a.example/x">here</linkHtml>
				<linkHtml href="#local">there</linkHtml><renderMultiMedia referencedObject="MM1"/></paragraph>`),
		).toBe(
			'Drugs\n1. A\n   - inner\n2. ~~B~~ C\nSee [note n1: as told], here [https://a.example/x] there' +
				' [picture or recording, not shown: MM1]',
		);
	});

	test('a section without words is not taken for one without content', async () => {
		const { text } = await read(
			sections(
				'<section><title>A</title><text/><entry/><entry/></section>',
				'<section nullFlavor="NI"><title>B</title></section>',
				'<section><code displayName="By code" code="1"/><text> </text></section>',
			),
		);
		expect(text).toContain('## A\n[No text for people here; 2 coded entries are in the document itself.]');
		expect(text).toContain('## B\n[Empty; the reason given: no information.]');
		expect(text).toContain('## By code [1]\n[Empty.]');
	});

	const unstructured = (type: string, text: string, attributes = 'representation="B64"') =>
		document(`<component><nonXMLBody><text mediaType="${type}" ${attributes}>${text}</text></nonXMLBody></component>`);
	const base64 = (data: Uint8Array | string) => Buffer.from(data).toString('base64');

	test('a document inside is read like any other', async () => {
		const inPdf = await read(unstructured('application/pdf', base64(pdf([[[72, 700, 'In a PDF']], []]))));
		expect(inPdf).toMatchObject({ kind: 'ccda', pages: 2 });
		expect(inPdf.text).toMatch(/^# Note\n\nIn a PDF\n\n— page 2 —/);
		expect((await read(unstructured('text/rtf', base64('{\\rtf1 In an RTF}')))).text).toBe('# Note\n\nIn an RTF');
		expect((await read(unstructured('text/plain', 'As it is', ''))).text).toBe('# Note\n\nAs it is');
	});

	test('what cannot be read inside is named, beside the head', async () => {
		expect(await read(unstructured('application/pdf', base64(pdf([[[1, 1, 'x']]], { password: 'p' }))))).toEqual({
			kind: 'ccda',
			text: '# Note\n\n[The document inside could not be read: it needs a password.]',
			problem: 'encrypted',
		});
		expect(await read(unstructured('image/png', base64(Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'))))).toMatchObject({
			problem: 'image',
		});
		expect(await read(unstructured('a/b', '<reference value="x.pdf"/>'))).toMatchObject({ problem: 'unreadable' });
		const nested = unstructured('text/xml', base64(unstructured('text/xml', base64(sections()))));
		expect(await read(nested)).toMatchObject({ problem: 'unreadable' });
	});

	test('entities of a document type are not expanded, and nothing outside is read', async () => {
		const laughs = Array.from({ length: 20 }, (_, i) => `<!ENTITY l${i + 1} "${`&l${i};`.repeat(10)}">`).join('');
		const xml = sections('<section><title>T</title><text>a &l20; &outside; &amp; b</text></section>').replace(
			'?>',
			`?><!DOCTYPE ClinicalDocument [<!ENTITY l0 "lol">${laughs}<!ENTITY outside SYSTEM "file:///etc/passwd">]>`,
		);
		const { kind, text } = await read(xml);
		expect(kind).toBe('ccda');
		expect(text).toBe('# Note\n\n## T\na &l20; &outside; & b');
	});

	test('what is nested too deeply is cut, and says so', async () => {
		const found = await read(sections(`<section><text>Before ${'<content>'.repeat(100_000)}`));
		expect(found.problem).toBe('too_large');
		expect(found.text).toMatch(/Before\n\n\[Cut here: /);
	});
});

const folder = new URL('../../../../shared/data/documents/', import.meta.url);
const here = existsSync(folder);
if (!here) console.warn('../shared/data/documents is not here: no C-CDA of HL7 is read');

describe.skipIf(!here)('HL7’s own examples', () => {
	const sample = (name: string) => textOf(readFileSync(new URL(name, folder)), 'application/xml');

	test.each([
		['20-hl7-21-transfer-summary.xml', '# Transfer Summary\n'],
		['21-hl7-21-ccd.xml', '# Patient Chart Summary\n'],
		['22-hl7-21-referral-note.xml', '# '],
	])('%s is read whole', async (name, title) => {
		const { kind, text, problem } = await sample(name);
		expect({ kind, problem }).toEqual({ kind: 'ccda', problem: undefined });
		expect(text.startsWith(title)).toBe(true);
		const sections = readFileSync(new URL(name, folder), 'utf8').match(/<section\b/g)!;
		expect(sections.length).toBeGreaterThan(10);
		expect(text.match(/^#{2,} /gm)).toHaveLength(sections.length);
		expect(text).toMatch(/^Patient: .*Betterhalf/m);
		expect(text).not.toMatch(/<\/?[a-z]/i);
	});

	test('the CCD’s tables keep rows and units', async () => {
		const { text } = await sample('21-hl7-21-ccd.xml');
		expect(text).toContain('Vaccine | Date | Status | Series number\n--- | --- | --- | ---\n');
		expect(text).toContain('| Normal range for women is 12.0 to 15.5 grams per deciliter | Normal | 03/19/2008');
		expect(text).toContain('Platelets | 123 10*9/L |');
	});

	test('the PDF and the text inside the unstructured ones are read', async () => {
		const inPdf = await sample('23-hl7-unstructured-pdf.xml');
		expect(inPdf).toMatchObject({ kind: 'ccda', pages: 3 });
		expect(inPdf.text).toContain('parietal lobe, hypertension, urinary tract infection, and hypercholesterolemia.');
		const inText = await sample('24-hl7-unstructured-text.xml');
		expect(inText.text).toContain('PLAN: F/u routine, pt is not interested in invasive procedure');
	});
});
