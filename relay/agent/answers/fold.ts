/** Text as a search sees it: without case, accents and composition. */

const OTHERS = /[^\p{ASCII}]/u;

export function fold(text: string): string {
	if (!OTHERS.test(text)) return text.toLowerCase();
	return text
		.normalize('NFKD')
		.replace(/\p{M}+/gu, '')
		.toLowerCase();
}

/** The words of a question, each once. */
export function wordsOf(text: string): string[] {
	return [...new Set(fold(text).split(/\s+/).filter(Boolean))];
}
