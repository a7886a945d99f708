/** What is told of a document, and what its reader gives. */

export interface DocumentText {
	kind: 'pdf' | 'ccda' | 'html' | 'rtf' | 'text' | 'xml' | 'image' | 'unknown';
	/**
	 * Empty with a problem, but for two: `too_large` leaves the beginning, and a C-CDA around something unreadable its own head;
	 * either says in its last line what is missing. Line ends are \n; no other control and no bidirectional character; NFC;
	 * 2,000,000 UTF-16 units and that line at most.
	 */
	text: string;
	/** PDF, and a C-CDA around one. */
	pages?: number;
	problem?:
		| 'image' // A picture, or a PDF or RTF that has pictures of text alone.
		| 'encrypted'
		| 'too_large' // More octets, pages, characters, depth or time than a document may have.
		| 'unreadable'
		| 'unknown_type';
}

/** What a reader gives back: text that is not tidied yet. `cut` where it stopped early. */
export interface Reading {
	text: string;
	pages?: number;
	problem?: DocumentText['problem'];
	cut?: boolean;
}
