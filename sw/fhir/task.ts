/** What the core asks for, and what it is handed back. */

/** One GET for the engine to make. `url` is always of the FHIR base's origin, and nothing else may get the token. */
export interface Task {
	id: string;
	kind: 'search' | 'read' | 'binary';
	type: string;
	url: string;
	accept: string;
}

/** What came of it, and how long that took in ms, all attempts together. `failed.code` is a code such as `timeout`, `network`, `cors`, `too_large`, `redirected`. */
export type Outcome =
	| {
			kind: 'response';
			status: number;
			contentType: string | null;
			/** Where the answer came from in the end. */
			url: string;
			/** The body, without a Content-Encoding. */
			bytes: Uint8Array;
			ms: number;
	  }
	| { kind: 'failed'; code: string; ms: number };
