/**
 * The border between the wallet, the relay and the agent: routes, shapes, limits and error codes of the
 * session protocol, version 1. All three import this file; nobody declares these shapes again.
 *
 * Binary values are base64url without padding; times are ISO 8601 UTC; sizes are octets.
 */
import * as v from 'valibot';

/** The number in links, AADs and HKDF labels. */
export const PROTOCOL_VERSION = 1;

/** Fixed bounds of the protocol. A relay may be configured below them, never above. */
export const LIMITS = {
	/** A session lives at most this long, in seconds. */
	sessionSeconds: 3600,
	/** One sealed part. A FHIR resource is never cut, so this is also about the largest single resource. */
	partBytes: 32 * 1024 * 1024,
	/** All parts of a session together. */
	maxBytes: 512 * 1024 * 1024,
	/** The manifest (JWE compact). */
	manifestBytes: 1024 * 1024,
	/** Any JSON body, the request's JWE included. */
	jsonBytes: 16 * 1024,
	/** The longest long poll, in seconds. */
	waitSeconds: 25,
	/** The most parts of one blob, and the most blobs of one session. */
	partsPerBlob: 4096,
	blobsPerSession: 256,
} as const;

/**
 * The paths below the relay's origin. `sid` and `bid` are base64url of 16 octets. Their types are those of what is put in, so that the
 * relay makes its patterns of them: `routes.session(':sid')`.
 */
export const routes = {
	session: <S extends string>(sid: S) => `/api/sessions/${sid}` as const,
	claim: <S extends string>(sid: S) => `/api/sessions/${sid}/claim` as const,
	blobs: <S extends string>(sid: S) => `/api/sessions/${sid}/blobs` as const,
	part: <S extends string, B extends string, N extends number | string>(sid: S, bid: B, n: N) =>
		`/api/sessions/${sid}/blobs/${bid}/${n}` as const,
	manifest: <S extends string>(sid: S) => `/api/sessions/${sid}/manifest` as const,
	/** Whether this process can serve (readiness): its store can be written, and it is not stopping. */
	health: '/api/health',
	/** Whether this process answers at all (liveness). */
	live: '/api/health/live',
	providers: '/api/providers',
	assertions: '/api/assertions',
	jwks: '/.well-known/jwks.json',
	/** For Prometheus. */
	metrics: '/metrics',
	/** What an AI needs to ask this relay, as one file. */
	skill: '/skill.zip',
} as const;

/** Response headers of `GET /manifest` while it answers 204. */
export const waitHeaders = {
	state: 'Session-State',
	parts: 'Session-Parts',
	bytes: 'Session-Bytes',
} as const;

/** A base64url value of exactly `octets` octets. */
const octets = (octets: number) =>
	v.pipe(
		v.string(),
		v.length(Math.ceil((octets * 4) / 3)),
		v.regex(/^[A-Za-z0-9_-]*$/),
		// The unused low bits of the last character must be zero, so that one value has one spelling.
		v.check((text) => {
			const spare = (text.length * 6) % 8;
			const last = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'.indexOf(text.at(-1) ?? 'A');
			return (last & ((1 << spare) - 1)) === 0;
		}, 'not canonical base64url'),
	);

export const Id = octets(16);
export const Key = octets(32);
export const Digest = octets(32);
/** The position of a part in its blob, from 0. */
export const PartNumber = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(LIMITS.partsPerBlob - 1));

const whole = v.pipe(v.number(), v.integer(), v.minValue(0));
const short = (max: number) => v.pipe(v.string(), v.maxLength(max));

/** Body of `PUT /api/sessions/{sid}`. */
export const CreateSession = v.strictObject({
	readHash: Digest,
	writeHash: Digest,
	/** Seconds. */
	expiresIn: v.pipe(whole, v.minValue(1), v.maxValue(LIMITS.sessionSeconds)),
	maxBytes: v.optional(v.pipe(whole, v.minValue(1))),
	/** A JWE compact, opaque to the relay. */
	request: v.optional(short(12 * 1024)),
});
export type CreateSession = v.InferOutput<typeof CreateSession>;

/** Answer to it. */
export const SessionCreated = v.object({ expiresAt: v.string(), maxBytes: whole, partBytes: whole });
export type SessionCreated = v.InferOutput<typeof SessionCreated>;

export const SessionState = v.picklist(['open', 'claimed', 'sent']);
export type SessionState = v.InferOutput<typeof SessionState>;

/** Answer to `GET /api/sessions/{sid}`. */
export const SessionInfo = v.object({
	state: SessionState,
	expiresAt: v.string(),
	maxBytes: whole,
	partBytes: whole,
	request: v.optional(v.string()),
});
export type SessionInfo = v.InferOutput<typeof SessionInfo>;

/** Body of `POST /claim`. */
export const Claim = v.strictObject({ ownerHash: Digest });
export type Claim = v.InferOutput<typeof Claim>;

/** Answer to `GET /blobs`. */
export const BlobList = v.object({
	blobs: v.record(Id, v.array(v.object({ n: PartNumber, bytes: whole }))),
});
export type BlobList = v.InferOutput<typeof BlobList>;

/** What the agent asks, sealed into `CreateSession.request`. */
export const SessionRequest = v.object({
	who: v.pipe(short(200), v.minLength(1)),
	why: short(1000),
	wants: v.optional(v.pipe(v.array(v.pipe(short(64), v.regex(/^[A-Za-z]+$/))), v.maxLength(100))),
});
export type SessionRequest = v.InferOutput<typeof SessionRequest>;

/** What became of one query: `refused` is the server's no (4xx), `failed` everything that went wrong. */
export const QueryReport = v.object({
	/** Resource type and parameters, without the FHIR base: `Observation?patient=p1&category=laboratory`. */
	query: short(2000),
	status: v.picklist(['ok', 'empty', 'refused', 'failed']),
	count: whole,
	/** A code such as `http_500`, `timeout`, `other_patient`; never a server's text. */
	reason: v.optional(short(200)),
	/** Answers that it took, and how long they took together, in ms. */
	pages: v.optional(whole),
	ms: v.optional(whole),
	/** What the stream has of this query was read then (ISO 8601): it could not be read this time. */
	keptFrom: v.optional(short(40)),
	/**
	 * With `refused`: asked in case the server knows more values than the usual ones. Its no is no gap: it has no
	 * OperationOutcome in the stream, and nobody is told that something is missing.
	 */
	optional: v.optional(v.literal(true)),
});
export type QueryReport = v.InferOutput<typeof QueryReport>;

export const Source = v.object({
	name: short(300),
	fhirBaseUrl: short(2000),
	patient: v.object({
		id: short(200),
		name: v.optional(short(500)),
		birthDate: v.optional(short(40)),
	}),
	fetchedAt: v.string(),
	/** FHIR version of the resources, `4.0.1`; missing where the server did not say. */
	fhirVersion: v.optional(short(20)),
	bid: Id,
	/** The blob's CEK. */
	key: Key,
	/** SHA-256 of each sealed part, in order. */
	parts: v.pipe(v.array(Digest), v.minLength(1), v.maxLength(LIMITS.partsPerBlob)),
	/** Octets of NDJSON before gzip. */
	bytes: whole,
	/** Lines of NDJSON, those OperationOutcomes included that tell what could not be read. */
	resources: whole,
	queries: v.pipe(v.array(QueryReport), v.maxLength(20_000)),
});
export type Source = v.InferOutput<typeof Source>;

/** The payload of the manifest's JWS. */
export const Manifest = v.object({
	v: v.literal(PROTOCOL_VERSION),
	sid: Id,
	sentAt: v.string(),
	redaction: v.nullable(v.record(v.string(), v.unknown())),
	sources: v.pipe(v.array(Source), v.minLength(1), v.maxLength(LIMITS.blobsPerSession)),
});
export type Manifest = v.InferOutput<typeof Manifest>;

/**
 * Every error the relay answers with, as `code` in problem details (RFC 9457), and its HTTP status.
 * A wrong token and an unknown session are both `session_not_found`.
 */
export const relayErrors = {
	bad_request: 400,
	assertion_refused: 403,
	session_not_found: 404,
	part_not_found: 404,
	not_found: 404,
	/** Headers or a body came too slowly, or not to their end in time. */
	request_timeout: 408,
	already_claimed: 409,
	already_exists: 409,
	already_sent: 409,
	not_claimed: 409,
	session_gone: 410,
	length_required: 411,
	too_large: 413,
	digest_mismatch: 422,
	too_many_requests: 429,
	internal: 500,
	unavailable: 503,
} as const;
export type RelayErrorCode = keyof typeof relayErrors;

/** Problem details (RFC 9457), `application/problem+json`. */
export const Problem = v.object({
	type: v.optional(v.string()),
	title: v.string(),
	status: v.number(),
	code: v.string(),
	correlationId: v.string(),
});
export type Problem = v.InferOutput<typeof Problem>;

/**
 * How a client authenticates at a provider's token endpoint. `none` where it is missing: a public client with PKCE.
 */
export const ClientAuth = v.variant('method', [
	v.object({ method: v.literal('none') }),
	/**
	 * `private_key_jwt` with a key that every browser gets with the directory. It satisfies a server that takes confidential clients
	 * only, and protects nothing.
	 */
	v.object({
		method: v.literal('embedded-key'),
		key: v.looseObject({ kty: v.picklist(['RSA', 'EC']), kid: short(200) }),
	}),
	/** `private_key_jwt`, signed by the relay for this pair of client and token endpoint. */
	v.object({ method: v.literal('relay-signed'), tokenEndpoint: v.pipe(short(2000), v.url()) }),
	/** Each browser registers a client with a key of its own (Epic's dynamic registration), or goes on as `none`. */
	v.object({ method: v.literal('device-key') }),
]);
export type ClientAuth = v.InferOutput<typeof ClientAuth>;

/** Body of `POST /api/assertions`: signed only for the pairs that the directory lists as `relay-signed`. */
export const AssertionRequest = v.strictObject({ clientId: short(500), tokenEndpoint: short(2000) });
export type AssertionRequest = v.InferOutput<typeof AssertionRequest>;

/** A client assertion (RFC 7523, section 3), good for one request within five minutes. */
export const Assertion = v.object({ assertion: short(8000) });
export type Assertion = v.InferOutput<typeof Assertion>;

/** One entry of the provider directory, `GET /api/providers`: what is needed to connect, nothing secret. */
export const Provider = v.object({
	id: v.pipe(short(100), v.minLength(1)),
	name: v.pipe(short(300), v.minLength(1)),
	fhirBaseUrl: v.pipe(short(2000), v.url()),
	clientId: v.pipe(short(500), v.minLength(1)),
	/** Other names people search for. */
	aliases: v.optional(v.array(short(300))),
	/** "Madison, WI": tells namesakes apart. */
	location: v.optional(short(300)),
	/** Key of the vendor table in `sw/smart/vendors.ts`: `epic`, `oracle`, … */
	vendor: v.optional(short(40)),
	/** Overrides the scopes that would be asked for, space-separated. */
	scope: v.optional(short(4000)),
	clientAuth: v.optional(ClientAuth),
});
export type Provider = v.InferOutput<typeof Provider>;

export const Providers = v.object({ providers: v.array(Provider) });
