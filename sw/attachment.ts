/**
 * An answer to a navigation that the browser saves as a file and keeps nowhere else.
 * @param type its media type
 * @param name ASCII without quotes
 */
export function attachment(body: BodyInit, type: string, name: string): Response {
	const headers = {
		'Content-Type': type,
		// RFC 6266, section 4
		'Content-Disposition': `attachment; filename="${name}"`,
		'Cache-Control': 'no-store',
	};
	return new Response(body, { headers });
}

/** The day in UTC, for a file's name. */
export function day(ms: number): string {
	return new Date(ms).toISOString().slice(0, 10);
}
