/** Records to ask about. */

const LOINC = 'http://loinc.org';

export const lab = (id: string, day: string, value: string, unit = '%', code = '4548-4', title = 'Hemoglobin A1c') =>
	`{"resourceType":"Observation","id":"${id}","status":"final","category":[{"coding":[{"code":"laboratory"}]}],` +
	`"code":{"coding":[{"system":"${LOINC}","code":"${code}","display":"${title}"}]},"effectiveDateTime":"${day}",` +
	`"valueQuantity":{"value":${value},"unit":"${unit}"},"referenceRange":[{"low":{"value":4.0,"unit":"%"},"high":{"value":5.6,"unit":"%"}}]}`;

export const condition = (id: string, day: string | undefined, text: string, more: object = {}) => ({
	resourceType: 'Condition',
	id,
	...(day && { onsetDateTime: day }),
	code: { text },
	...more,
});

export const binary = (id: string, text: string, contentType = 'text/plain') => ({
	resourceType: 'Binary',
	id,
	contentType,
	data: Buffer.from(text).toString('base64'),
});

export const reference = (id: string, day: string, title: string, binary: string) => ({
	resourceType: 'DocumentReference',
	id,
	status: 'current',
	date: `${day}T10:00:00Z`,
	description: title,
	content: [{ attachment: { url: `Binary/${binary}`, contentType: 'text/plain' } }],
});

/** What stands between the marks of an answer. */
export function between(text: string): string {
	const [, data] = /^--- ([0-9a-f]{16}) begin ---\n([\s\S]*)\n--- \1 end ---$/m.exec(text)?.slice(1) ?? [];
	if (data === undefined) throw new Error('no marks');
	return data;
}

export const linesOf = (text: string) => between(text).split('\n').filter(Boolean);
