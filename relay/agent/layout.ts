/** The names in an output folder: what writes it, reads it and removes it agree on them here. */

export const INDEX = 'index.json';
export const SUMMARY = 'summary.md';

/** A source's folder: its position and ASCII letters of its name, `01-lakeside-health`. */
export const FOLDER_NAME = /^\d{2,}-[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/;

const PREFIX = '.receiving-';

/** A folder of our own beside the records, for as long as they are not in place. @param random 16 hexadecimal digits */
export function stagingName(random: string): string {
	return PREFIX + random;
}

export function isStaging(name: string): boolean {
	return name.startsWith(PREFIX) && /^[0-9a-f]{16}$/.test(name.slice(PREFIX.length));
}
