import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { oneLine, resourceSpans, trim } from '../../../sw/fhir/spans.js';
import { utf8 } from './server.js';

const text = (octets: Uint8Array) => new TextDecoder('utf-8', { fatal: true }).decode(octets);

/** JSON text of a value with random white space between tokens and random escapes in member names. */
function spell(value: unknown, space: () => string, escaped: () => boolean): string {
	const name = (text: string) =>
		escaped()
			? `"${[...Array(text.length).keys()].map((i) => `\\u${text.charCodeAt(i).toString(16).padStart(4, '0')}`).join('')}"`
			: JSON.stringify(text);
	const one = (inner: unknown): string => {
		if (Array.isArray(inner)) return `[${space()}${inner.map((x) => one(x) + space()).join(`,${space()}`)}]`;
		if (typeof inner !== 'object' || inner === null) return JSON.stringify(inner);
		const members = Object.entries(inner).map(([k, x]) => `${name(k)}${space()}:${space()}${one(x)}${space()}`);
		return `{${space()}${members.join(`,${space()}`)}}`;
	};
	return space() + one(value) + space();
}

const value = fc.oneof(
	fc.jsonValue({ depthSize: 'medium', stringUnit: 'binary' }),
	fc.constantFrom<unknown>('"', '\\', '\\"', '{"resource":', ']}', '\ud83d\ude00', '\ud83d', [], {}, null, -1.5e-7),
);
const entry = fc.oneof(
	{ weight: 4, arbitrary: fc.record({ fullUrl: value, resource: value, search: value }, { requiredKeys: [] }) },
	{ weight: 1, arbitrary: value },
);
const bundle = fc.record(
	{ id: value, resource: value, entry: fc.array(entry), link: value },
	{ requiredKeys: ['entry'] },
);

function resourcesOf(json: { entry: unknown[] }) {
	return json.entry.map((one) =>
		typeof one === 'object' && one !== null && !Array.isArray(one) && Object.hasOwn(one, 'resource')
			? (one as { resource: unknown }).resource
			: undefined,
	);
}

describe('the spans of resources', () => {
	test('hold what JSON.parse finds there, for any JSON in any spelling', () => {
		fc.assert(
			fc.property(
				bundle,
				fc.infiniteStream(fc.constantFrom('', '', ' ', '\n', '\r\n\t', '  ')),
				fc.infiniteStream(fc.boolean()),
				(json, spaces, escapes) => {
					const octets = utf8(
						spell(
							json,
							() => spaces.next().value ?? '',
							() => escapes.next().value ?? false,
						),
					);
					const expected = resourcesOf(JSON.parse(text(octets)));
					const spans = resourceSpans(octets);
					expect(spans).toHaveLength(expected.length);
					spans.forEach((span, i) => {
						const found = span ? JSON.parse(text(octets.subarray(span[0], span[1]))) : undefined;
						expect(found).toEqual(expected[i]);
						if (span) {
							const line = oneLine(octets.subarray(span[0], span[1]));
							expect(text(line)).not.toMatch(/[\r\n]/);
							expect(JSON.parse(text(line))).toEqual(expected[i]);
						}
					});
				},
			),
			{ numRuns: 500 },
		);
	});

	test('are exactly the served text: decimals, escapes and member order stay', () => {
		const resource = '{"b":1.50,"a":"\\ud83d\\ude00 \\u00e9\\/ \\ud83d","n":1E+2,"z": -0.0}';
		const octets = utf8(
			`{"resourceType":"Bundle","x":"é","entry":[{"resource":${resource},"search":{"mode":"match"}}]}`,
		);
		const [span] = resourceSpans(octets);
		expect(span && text(octets.subarray(...span))).toBe(resource);
	});

	test('end where long strings do, wherever in them something is escaped', () => {
		for (let length = 0; length < 200; length++)
			for (const escaped of ['\\"', '\\\\', '\\\\\\"', '\\\\\\\\', '\\u005c', '}]', 'é😀']) {
				const resource = `{"a":"${'x'.repeat(length)}${escaped}","b":"${escaped}${'y'.repeat(length)}${escaped}"}`;
				const octets = utf8(`{"entry":[{"resource":${resource}},{"resource":1}],"z":"}"}`);
				expect(resourceSpans(octets).map((span) => span && text(octets.subarray(...span)))).toEqual([resource, '1']);
			}
	});

	test('are of the last of several members of one name, as with JSON.parse', () => {
		const octets = utf8('{"entry":[{"resource":{"id":"x"}}],"entry":[{"resource":{"id":"a"},"resource":{"id":"b"}}]}');
		const [span, ...rest] = resourceSpans(octets);
		expect(span && text(octets.subarray(...span))).toBe('{"id":"b"}');
		expect(rest).toEqual([]);
	});

	test.each(['{}', '[]', '1', '{"entry":null}', '{"entry":{}}', '{"entry":[]}'])('are none in %s', (json) => {
		expect(resourceSpans(utf8(json))).toEqual([]);
	});
});

test('a line drops line ends and indentation, and no other character', () => {
	const json = utf8('{\r\n  "a": "x\\n  y 😀",\n\n\t"b": [ 1,\n 2 ]\n}');
	expect(text(oneLine(json))).toBe('{"a": "x\\n  y 😀","b": [ 1,2 ]}');
});

test('white space around a resource is not of it', () => {
	expect(text(trim(utf8('\n {"a": 1}\r\n\t ')))).toBe('{"a": 1}');
	expect(trim(utf8(' \n'))).toHaveLength(0);
});
