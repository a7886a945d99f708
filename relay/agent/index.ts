/**
 * The library: what a program needs that asks for records and reads them. Everything else in this folder is how. Errors are
 * `AgentError` with a `code`; `isFinal` says whether a session can be gone on with.
 */
export { type Answers, openAnswers, type Page, type SearchQuery, type TrendQuery } from './answers/answers.js';
export { ask, type Place } from './ask.js';
export { follow, type ReceiveOptions, type ReceivingEvent, receive, type WrittenEvent } from './delivery/receive.js';
export { AgentError, type AgentErrorCode, isFinal } from './errors.js';
export { realWorld, type World } from './exchange.js';
export { type Removed, removeAll } from './files/remove.js';
export { readSessionFile, sessionFile } from './keyfile.js';
export { type Item, type Library, openLibrary } from './library/library.js';
export {
	type AgentSession,
	closeSession,
	createSession,
	type NewSession,
	sessionLink,
	waitForManifest,
} from './session.js';
