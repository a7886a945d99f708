/** The places in `test/bench/README.md` where the benches write their numbers. */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const README = fileURLToPath(new URL('README.md', import.meta.url));
const begin = (part: string) => `<!-- ${part}: from here on written by the bench -->`;
const end = (part: string) => `<!-- ${part}: to here -->`;

/** @param part names the place */
export async function measured(part: string, report: string): Promise<void> {
	const text = await readFile(README, 'utf8');
	const from = text.indexOf(begin(part)) + begin(part).length;
	const to = text.indexOf(end(part));
	if (from < begin(part).length || to < from) throw new Error(`the README has no place for ${part}`);
	await writeFile(README, `${text.slice(0, from)}\n\n${report}\n\n${text.slice(to)}`);
}
