/**
 * Every sentence that people read is in here or in `words/`, ready for translation: labels of the shell here; error codes,
 * dates, kinds of data and the other screens in files of their own, which load with the screens that need them.
 * Screens and parts hold no words of their own.
 */
export * as words from './words/labels.js';

/** The sentences are English, so dates and numbers follow the person's own kind of English, if they have one. */
export const locale: string =
	(typeof navigator === 'undefined' ? [] : (navigator.languages ?? [])).find((tag) => /^en\b/i.test(tag)) ?? 'en-US';
