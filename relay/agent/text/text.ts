/** The text of a document, by well-kept libraries; what cannot be read says so. */

export interface DocumentText {
	kind: 'pdf' | 'ccda' | 'html' | 'rtf' | 'text' | 'xml' | 'image' | 'unknown';
	/** Empty with a problem. Line ends are \n; no control or bidirectional characters. */
	text: string;
	/** PDF. */
	pages?: number;
	problem?:
		| 'image' // A picture, or a PDF that has pictures of text alone.
		| 'encrypted'
		| 'too_large'
		| 'unreadable'
		| 'unknown_type';
}

/** Never throws for what is in `octets`: that is a stranger's. @param contentType as the Binary says, which may be wrong */
export async function textOf(_octets: Uint8Array, _contentType: string | null): Promise<DocumentText> {
	throw new Error('not yet');
}
