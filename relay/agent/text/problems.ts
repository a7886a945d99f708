/** Why a document has no text, or not all of it: whoever tells of it says it in these words. */
import type { DocumentText } from './reading.js';

export const NO_TEXT: Record<NonNullable<DocumentText['problem']>, string> = {
	image: 'it is a picture, or has pictures of text alone',
	encrypted: 'it needs a password',
	too_large: 'it is too large',
	unreadable: 'it is not what it says it is, or is damaged',
	unknown_type: 'it is of a type that is not read here',
};
