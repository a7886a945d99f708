/**
 * The border between the page and the worker: commands, events, error codes and the public shapes. Both sides import
 * this file and nothing else of each other.
 *
 * Nothing here can carry a token, a key, an authorization code, a session link's secret or a record: what the page does
 * not need to show has no field. Times are milliseconds since the epoch; sizes are octets.
 */

/** Raised when a page of one version could misread a worker of another: then either tells the person to reload. */
export const CONTRACT_VERSION = 2;

/** The `BroadcastChannel` on which events fan out to every tab. */
export const EVENTS_CHANNEL = 'satchel-events';

// --- errors -----------------------------------------------------------------------------------------------------

/** Every error a command can answer with. The words for people are in `app/words.ts`, one entry a code. */
export type ErrorCode =
	// reaching a server
	| 'offline'
	| 'network' // no answer, though the browser is online: down, blocked, or the name does not resolve
	| 'timeout'
	| 'cors' // the server is there but does not let browsers read its answers
	| 'rate_limited'
	| 'provider_unavailable' // 5xx, `temporarily_unavailable`
	| 'provider_error' // any other answer that makes no sense here
	// where a provider is
	| 'url_invalid'
	| 'url_insecure' // not https, and not loopback
	| 'client_id_missing'
	| 'discovery_not_found'
	| 'discovery_invalid' // HTML, not JSON, no endpoints
	| 'discovery_too_large'
	| 'discovery_redirects'
	| 'pkce_unsupported'
	// signing in
	| 'state_unknown' // never made here, already used, or too old
	| 'issuer_mismatch' // RFC 9207
	| 'access_denied'
	| 'authorize_failed' // any other `error=` of the authorization response
	| 'token_response_invalid'
	| 'id_token_invalid'
	| 'patient_missing'
	| 'patient_mismatch'
	| 'client_rejected' // invalid_client, unauthorized_client, invalid_scope, invalid_request
	| 'reauthorization_required' // invalid_grant, or access that ended with no way to renew it
	| 'assertion_refused' // the app's host does not sign for this provider
	// connections
	| 'provider_unknown'
	| 'connection_unknown'
	| 'arrival_unknown' // the sign-in as somebody else was settled already, or is too old
	| 'paused' // its connections were moved into a backup: nothing is renewed here
	// sessions
	| 'link_incomplete'
	| 'link_version'
	| 'link_invalid'
	| 'link_key'
	| 'session_not_found'
	| 'session_gone'
	| 'already_claimed'
	| 'already_sent'
	| 'request_invalid'
	| 'nothing_selected'
	| 'too_large' // more than the session takes
	| 'delivery_unknown' // the session ended while its last step was repeated: it may have arrived
	| 'relay_unavailable' // out of reach or overloaded: passes by itself
	| 'relay_error'
	// collecting
	| 'nothing_read' // every query of a source failed: never shown as an empty record
	| 'job_unknown'
	| 'copy_gone' // the copy on this device that was to be used is not there any more
	// storage
	| 'storage_full'
	| 'storage_failed'
	| 'vault_lost' // the key that opens the wallet is gone
	// locking
	| 'locked'
	| 'unlock_failed' // this passkey does not open the wallet
	| 'busy' // work is under way that this would break
	| 'passkey_unsupported' // made by the page: this browser or passkey offers no PRF
	| 'passkey_cancelled' // made by the page
	// moving
	| 'backup_invalid' // not a backup, or damaged
	| 'backup_version' // made by a newer version
	| 'backup_passphrase' // does not open with this passphrase
	// the border itself
	| 'unknown_command'
	| 'version_mismatch'
	| 'worker_missing' // made by the page: this browser has no service worker, or it would not start
	| 'worker_silent' // made by the page: no reply in time
	| 'internal';

/** An error as it crosses the border: never a message, a URL or a server's text. */
export interface WireError {
	code: ErrorCode;
	/** Names one failure in the worker's and the relay's logs. */
	correlationId: string;
	/** When trying again makes sense, if the server said so (`Retry-After`). */
	retryAt?: number;
}

// --- public shapes ----------------------------------------------------------------------------------------------

export interface ProviderView {
	id: string;
	name: string;
	location?: string;
	/** Host of the FHIR base, to tell namesakes apart. */
	host: string;
}

/** A provider of the directory, or a FHIR server typed in by hand. */
export type ConnectTarget =
	| { kind: 'provider'; providerId: string }
	| { kind: 'custom'; fhirBaseUrl: string; clientId: string }
	| { kind: 'reauthorize'; connectionId: string };

/** When access ends, as far as known. */
export type Expiry =
	/** `renews`: each refresh moves the end. */
	| { kind: 'at'; at: number; renews: boolean }
	/** The provider said that there is no end. */
	| { kind: 'none' }
	/** The provider does not tell. */
	| { kind: 'unknown' };

export interface ConnectionView {
	id: string;
	providerName: string;
	providerLocation?: string;
	/** Host of the FHIR base. */
	host: string;
	/** From the Patient resource; null where it could not be read. */
	patient: { name?: string; birthDate?: string } | null;
	/** `expired`: only signing in again helps. Being offline or an outage never changes it. */
	status: 'active' | 'expired';
	/** The last check that went wrong, without a change of status: "could not be checked, since …". */
	problem: { error: WireError; since: number } | null;
	/** Whether a refresh is under way at this moment. */
	refreshing: boolean;
	connectedAt: number;
	lastRefreshedAt: number;
	expiry: Expiry;
	/** False: there is nothing to renew access with, so it ends with the access token (`expiry`). */
	renewable: boolean;
	/** Access is renewed by a key that cannot leave this device: a backup cannot take it along. */
	deviceBound: boolean;
	/** The session it was made for, as long as the person has not chosen to keep it. */
	newForSession: string | null;
	/** Whether a copy of its records is to be kept on this device; off unless the person chose it. */
	keep: boolean;
	/** The copy that is there; null as long as none was read to its end. */
	copy: CopyView | null;
}

/** A copy of a connection's records on this device, sealed. */
export interface CopyView {
	/** When it was last brought up to date. */
	at: number;
	resources: number;
	/** Octets of NDJSON. */
	bytes: number;
	/** Kinds that could not be read the last time, and so are missing or older than `at`. */
	unread: number;
}

/** What a copy holds, kind by kind, and how it came about. */
export interface CopyDetail {
	copy: CopyView | null;
	/** `at`: when this kind was last read; older than the copy's where a later reading failed. */
	kinds: (Pick<KindProgress, 'type' | 'count' | 'bytes' | 'status' | 'reasons'> & { at: number })[];
	/** Newest first, at most 30. */
	history: SyncEntry[];
}

/** One reading into the copy. */
export interface SyncEntry {
	at: number;
	/** `incremental`: only what changed since the one before, where the server proved that it can tell. */
	mode: 'full' | 'incremental';
	/** `partial`: some kinds could not be read; `failed`: the copy is as it was. */
	status: 'ok' | 'partial' | 'failed';
	/** Resources that were not in the copy before, that differ from the copy's, and that went. */
	added: number;
	changed: number;
	removed: number;
	/** Octets of NDJSON that were read, requests made, and how long it took in ms. */
	bytes: number;
	requests: number;
	ms: number;
	error: ErrorCode | null;
}

/** How records are collected, for all connections. */
export interface Collecting {
	/** What a session offers first where there is a copy. */
	prefer: 'copy' | 'fetch';
	/** How often copies are brought up to date, while the app is open or by periodic sync. */
	schedule: 'off' | 'hourly' | 'daily' | 'weekly';
}

/** Where a connection's records come from: the provider, now, or the copy on this device. */
export type From = 'provider' | 'copy';

/** About how much a connection will bring. Numbers are null where nothing is known. */
export interface Estimate {
	connectionId: string;
	/** From the copy; from the last reading; from counts that the provider gave, at most a day ago; from nothing. */
	basis: 'copy' | 'last' | 'counted' | 'unknown';
	/** When that was read. */
	at: number | null;
	resources: number | null;
	bytes: number | null;
	/** About how many tokens an AI reads for it, documents taken as their text. */
	tokens: number | null;
	/** Not everything could be counted: there is more. */
	atLeast?: true;
}

/** Kinds of data as FHIR resource types; the words are in `app/words.ts`. */
export interface KindProgress {
	type: string;
	/** Resources so far. */
	count: number;
	/** How many there will be, where that is known: by what refers to them, or by an earlier reading. */
	of: number | null;
	/** Octets of NDJSON so far. */
	bytes: number;
	/** How long its requests have taken, in ms, all together. */
	ms: number;
	/** Since when a request of this kind has been out, if that is unusually long. */
	slowSince: number | null;
	/** What stands here was read then, because it could not be read now; null for what is new. */
	keptFrom: number | null;
	/** `partial`: some queries of this kind answered and some did not. */
	status: 'waiting' | 'loading' | 'ok' | 'empty' | 'partial' | 'refused' | 'failed';
	/** Why, once its source is read to the end, if it is `partial`, `refused` or `failed`: codes as in `QueryReport.reason`. */
	reasons?: string[];
}

export interface SourceProgress {
	connectionId: string;
	name: string;
	from: From;
	/** When it was read; null before that. For a copy: when the copy was. */
	asOf: number | null;
	/** Requests made to the provider so far. */
	requests: number;
	/** `failed` in a job that is done: it went on without this one (`job.retry`). */
	step: 'waiting' | 'refreshing' | 'fetching' | 'encrypting' | 'sending' | 'done' | 'failed';
	/** What holds it up and passes by itself: an outage, or the provider asks to wait until `retryAt`. */
	held: Pick<WireError, 'code' | 'retryAt'> | null;
	kinds: KindProgress[];
	/** Records; what could not be read is told in the stream besides, and is none. */
	resources: number;
	/** Octets of NDJSON read so far. */
	bytes: number;
	error: WireError | null;
}

export interface JobView {
	id: string;
	/** Into a session, into a download, into the copy on this device. */
	kind: 'send' | 'collect' | 'keep';
	/** The session it sends to. */
	sid: string | null;
	/** `waiting`: stopped by something that passes (offline, an outage); goes on by itself at `retryAt`. */
	status: 'running' | 'waiting' | 'done' | 'failed' | 'cancelled';
	sources: SourceProgress[];
	/** Sealed parts, and how many of them are parked at the relay. */
	parts: { sealed: number; sent: number };
	/** Octets: sealed, and parked at the relay. */
	sealed: { bytes: number; sentBytes: number };
	error: WireError | null;
	startedAt: number;
	finishedAt: number | null;
}

export interface SessionView {
	sid: string;
	/** Unverified: whoever made the link wrote it. Null where the agent sent no request. */
	who: string | null;
	why: string | null;
	wants: string[];
	/** Match code, "418 207". */
	code: string;
	expiresAt: number;
	/** `gone`: expired or ended by the agent. */
	state: 'open' | 'sent' | 'gone';
	/** Ids of the connections chosen so far; survives the trip to a provider. */
	include: string[];
	/** Where each is read from, by connection; `provider` where it is missing. */
	from: Record<string, From>;
	/** What is to happen to connections made for this session; null until chosen. */
	afterwards: 'keep' | 'clear' | null;
	/** The send under way or done. */
	job: JobView | null;
}

/** What came of the last trip to a provider; shown once. */
export type Notice =
	| { id: string; kind: 'connected' | 'reauthorized'; connectionId: string }
	| { id: string; kind: 'error'; error: WireError; providerName: string | null };

/** Somebody else signed in where a connection was to be repaired: nothing is done before the person has chosen. */
export interface OtherPatient {
	id: string;
	providerName: string;
	/** The connection that was to be repaired. */
	connectionId: string;
	/** Who signed in instead, as far as it could be read. */
	patient: { name?: string; birthDate?: string } | null;
	/** Whether that patient has a connection at this provider already; then "add" repairs that one. */
	known: boolean;
}

/** What happened in the wallet. Never a record, a token or a patient id. */
export interface ActivityEntry {
	id: string;
	/** The last time, where it happened several times in a row. */
	at: number;
	/** How often in a row, with nothing else about this connection in between; 1 for most. */
	times: number;
	what:
		| 'connected'
		| 'reauthorized'
		| 'connect_failed' // a sign-in that came to nothing; `code` says why
		| 'refreshed'
		| 'refresh_failed' // passes by itself: the connection is as it was
		| 'expired'
		| 'removed'
		| 'sent'
		| 'send_failed'
		| 'downloaded' // collected on this device
		| 'copy_on' // a copy is kept from now on
		| 'copy_off' // and deleted
		| 'copied' // brought up to date
		| 'copy_failed'
		| 'lock_on'
		| 'lock_off'
		| 'backup_made'
		| 'backup_restored'
		| 'resumed'; // renewing goes on here after a backup
	providerName: string | null;
	connectionId: string | null;
	code: ErrorCode | null;
	/** To whom, as they called themselves. */
	to: string | null;
	/** What was sent or downloaded: resource types and how many of each. */
	kinds: { type: string; count: number }[];
}

/** How a backup's key is made of its passphrase (RFC 7914). `salt` is base64url of 16 octets. */
export interface Kdf {
	name: 'scrypt';
	N: number;
	r: number;
	p: number;
	salt: string;
}

/** Octets of a backup file at most; one of a hundred connections has a tenth of it. */
export const BACKUP_MOST = 2 * 1024 * 1024;

/** A connection inside a backup. */
export interface BackupEntry {
	providerName: string;
	patientName: string | null;
	/** It has to be signed in to again wherever the backup is restored. */
	reauthorize: boolean;
}

export interface Overview {
	/** Grows with every change; a tab that has seen a higher one ignores this. */
	revision: number;
	connections: ConnectionView[];
	/** Jobs that are not over, finished `collect` jobs whose result is still here, and `keep` jobs that failed. */
	jobs: JobView[];
	notice: Notice | null;
	/** Whether the worker has a network, as it sees it. */
	online: boolean;
	/** `locked`: nothing else of this overview can be read, and all lists are empty. */
	lock: 'off' | 'unlocked' | 'locked';
	/**
	 * Tokens that could not be written down live in the worker's memory alone. A page that sees this calls `wallet.save` every
	 * ten seconds: that keeps the worker alive and tries again.
	 */
	unsaved: boolean;
	/** Since when nothing is renewed here because everything was moved into a backup. */
	paused: { since: number } | null;
	otherPatient: OtherPatient | null;
}

// --- commands ---------------------------------------------------------------------------------------------------

/** One entry a command: what it takes and what it answers. All are idempotent: the page repeats what got no reply. */
export interface Commands {
	/** Everything that the start of a page needs. Never waits for the network. */
	overview: { payload: Record<string, never>; reply: Overview };
	/** Refreshes in the background whatever is due. Answers at once. */
	'connections.tend': { payload: Record<string, never>; reply: Record<string, never> };
	/** Best matches first; an empty text lists from the start. */
	'providers.search': { payload: { text: string; limit: number }; reply: { providers: ProviderView[]; total: number } };
	/**
	 * Discovers the provider, checks that a browser can talk to it, and mints the authorize URL. The page then goes to
	 * `url`; the person comes back to `returnTo` (a path of the app) with an `Overview.notice`. A connection made with a
	 * `sid` belongs to that session until the person chooses to keep it, and is included in it.
	 */
	'connect.start': {
		payload: { target: ConnectTarget; returnTo: string; sid: string | null };
		reply: { url: string; providerName: string };
	};
	/** Asks the provider now, due or not. A failure that leaves the connection as it was is in `problem`. */
	'connection.refresh': { payload: { id: string }; reply: ConnectionView };
	/** Deletes, and ends access at the provider where that is offered, whatever it answers. */
	'connection.remove': { payload: { id: string }; reply: { open: string[] } };
	/** `open`: names of providers that did not confirm the end of access: where they do not offer that, or could not be reached. */
	'connections.clear': { payload: Record<string, never>; reply: { open: string[] } };
	/** What becomes of a sign-in as another patient; `cancel` ends that access at the provider. */
	'connect.settle': {
		payload: { id: string; choice: 'add' | 'cancel' };
		reply: { connectionId: string | null };
	};
	/** Tries again to write down what could not be written. */
	'wallet.save': { payload: Record<string, never>; reply: { unsaved: boolean } };
	/** Newest first. `before` is the last entry's id of the previous page. */
	'activity.list': {
		payload: { before: string | null; limit: number };
		reply: { entries: ActivityEntry[]; more: boolean };
	};
	'reminders.get': { payload: Record<string, never>; reply: { notify: boolean } };
	/** The sentences of a local notification, or null for none: the worker has no words of its own. */
	'reminders.set': { payload: { notify: { title: string; body: string } | null }; reply: Record<string, never> };
	/**
	 * Seals the wallet anew, with a key that only `key` opens. `key` is AES-GCM, not extractable, made by the page from the
	 * passkey's PRF output; `credentialId` and `salt` (base64url) say how to get it again.
	 */
	'lock.enable': {
		payload: { key: CryptoKey; credentialId: string; salt: string };
		reply: Record<string, never>;
	};
	'lock.disable': { payload: Record<string, never>; reply: Record<string, never> };
	/** What the page needs to ask the passkey. */
	'lock.challenge': { payload: Record<string, never>; reply: { credentialId: string; salt: string } };
	/**
	 * `again`: a page opens a new worker with the key it kept; answered `locked` after `lock.now`, when only the passkey opens.
	 * `goTo`: where a sign-in that came back to a locked wallet leads, once it is finished.
	 */
	'lock.unlock': { payload: { key: CryptoKey; again?: boolean }; reply: { goTo: string | null } };
	'lock.now': { payload: Record<string, never>; reply: Record<string, never> };
	/**
	 * Makes a backup under a key that the page made of a passphrase by `kdf`. The browser fetches it by navigation from
	 * `backupPath(id)`: its octets never reach page script. With it, renewing pauses here, because a refresh token that is
	 * used in two browsers is taken for stolen.
	 */
	'backup.create': { payload: { key: CryptoKey; kdf: Kdf }; reply: { id: string; connections: BackupEntry[] } };
	/** How to make the key of a backup file. */
	'backup.inspect': { payload: { file: string }; reply: { kdf: Kdf; createdAt: number } };
	'backup.restore': { payload: { file: string; key: CryptoKey }; reply: { connections: BackupEntry[] } };
	/** Goes on renewing here: the backup is worthless from the next refresh on. */
	'backup.resume': { payload: Record<string, never>; reply: Record<string, never> };
	/** Deletes everything here and ends no access: the connections live on where the backup was restored. */
	'backup.forget': { payload: Record<string, never>; reply: Record<string, never> };
	/** `fragment` of the link, or null on a return to a session that is known here. Claims the session. */
	'session.open': { payload: { sid: string; fragment: string | null }; reply: SessionView };
	/** Remembers the choice so far. */
	'session.choose': {
		payload: {
			sid: string;
			include: string[];
			from: Record<string, From>;
			afterwards: 'keep' | 'clear' | null;
		};
		reply: SessionView;
	};
	/** Starts (or finds) the job that sends. `afterwards` matters only for connections made for this session. */
	'session.send': {
		payload: { sid: string; include: string[]; from: Record<string, From>; afterwards: 'keep' | 'clear' };
		reply: JobView;
	};
	/** Starts a job whose result is downloaded from `downloadPath(id)`. */
	'collect.start': { payload: { include: string[]; from: Record<string, From> }; reply: JobView };
	/**
	 * About how much these would bring to the session, or as a download (`sid` null). May ask providers for counts: then it
	 * takes as long as they do, but never longer than 10 s.
	 */
	estimate: {
		payload: { include: string[]; from: Record<string, From>; sid: string | null };
		reply: { estimates: Estimate[] };
	};
	/** Keeps a copy of this connection's records from now on, beginning at once; or no longer, and deletes it. */
	'copy.keep': { payload: { id: string; on: boolean }; reply: ConnectionView };
	/** Brings a copy up to date now. Answers the reading that is under way, if one is. */
	'copy.update': { payload: { id: string }; reply: JobView };
	'copy.get': { payload: { id: string }; reply: CopyDetail };
	'collecting.get': { payload: Record<string, never>; reply: Collecting };
	'collecting.set': { payload: Collecting; reply: Record<string, never> };
	/**
	 * Runs one slice (at most about 20 s) and answers whether there is more to do; the page echoes it until there is
	 * not. A second call while a slice runs waits for the same one.
	 */
	'job.run': { payload: { id: string }; reply: { job: JobView; more: boolean } };
	/**
	 * A failed job goes on where it stopped; with `without` also a paused one, and without those connections from here on:
	 * what of them is sealed already stays, and the rest is told as not read.
	 */
	'job.retry': { payload: { id: string; without?: string[] }; reply: JobView };
	/** Stops it and deletes what it had read. */
	'job.cancel': { payload: { id: string }; reply: Record<string, never> };
	'notice.dismiss': { payload: { id: string }; reply: Record<string, never> };
}

export type CommandName = keyof Commands;
export type Payload<C extends CommandName> = Commands[C]['payload'];
export type Reply<C extends CommandName> = Commands[C]['reply'];

/** What the page posts to the worker. `id` is random and repeated with a repeated call. */
export type CommandMessage = {
	[C in CommandName]: { satchel: typeof CONTRACT_VERSION; id: string; command: C; payload: Payload<C> };
}[CommandName];

/** What the worker posts back to the page that asked. */
export type ReplyMessage = { satchel: typeof CONTRACT_VERSION; id: string } & (
	| { ok: true; reply: Reply<CommandName> }
	| { ok: false; error: WireError }
);

/** What the worker broadcasts to every tab; `handover` comes from the page that lets a new version in. */
export type WorkerEvent =
	| { satchel: typeof CONTRACT_VERSION; event: 'overview'; overview: Overview }
	| { satchel: typeof CONTRACT_VERSION; event: 'job'; job: JobView }
	/** The tabs ask for no further slice until the new version is in control. */
	| { satchel: typeof CONTRACT_VERSION; event: 'handover' };

/** The periodic sync that the page asks for and the worker answers by tending; see `reminders.set`. */
export const PERIODIC_SYNC = 'tend';

/** Where the browser fetches the zip of a finished `collect` job; answered by the worker, never by the host. */
export function downloadPath(jobId: string): string {
	return `/collect/download/${jobId}`;
}

/** Where the browser fetches a backup that was just made; answered by the worker, never by the host. */
export function backupPath(id: string): string {
	return `/settings/backup/${id}`;
}

/** Whether nothing more comes of a job by itself. */
export function isOver({ status }: Pick<JobView, 'status'>): boolean {
	return status === 'done' || status === 'failed' || status === 'cancelled';
}

/** Whether a kind could not be read, or only in part: never the same as empty. What is there may be from an earlier reading. */
export function isUnread({ status, keptFrom }: Pick<KindProgress, 'status'> & { keptFrom?: number | null }): boolean {
	return status === 'partial' || status === 'refused' || status === 'failed' || (keptFrom ?? null) !== null;
}

const DAY_MS = 24 * 60 * 60_000;

export type Attention = 'expired' | 'ends';

/**
 * Whether a person should look at a connection: it has expired, or ends within seven days. An end that each refresh moves
 * counts only on its last day, as until then opening the app is enough. One rule for the card, the badge and notifications.
 */
export function attention(
	{ status, expiry }: Pick<ConnectionView, 'status' | 'expiry'>,
	now: number,
): Attention | null {
	if (status === 'expired') return 'expired';
	if (expiry.kind !== 'at') return null;
	return expiry.at - now < (expiry.renews ? 1 : 7) * DAY_MS ? 'ends' : null;
}
