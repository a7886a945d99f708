/**
 * What all scripts stand on. A script runs alone: whatever it does happens as a whole, for all replicas.
 *
 *     <session>                 hash      hashes of the tokens; outlives the rest by TOMBSTONE_MS
 *     <session>:record          hash      times, limits, sums; while it is there the session lives
 *     <session>:parts           hash      bid.n → octets.SHA-256; a part is there when it is listed here
 *     <session>:part:bid.n      string    its octets
 *     <session>:blobs           set       the bids of parts
 *     <session>:uploads         hash      upload → deadline:octets so far; `upload` is bid.n.octets.SHA-256.nonce
 *     <session>:staged:<upload> string    octets of an upload under way, with a short life that each piece renews
 *     <session>:manifest        string    its being there makes the session sent
 *
 * `<session>` is `<prefix>:{<sid>}`. It is the one key that a script declares; the others are made from it and share its
 * hash tag, so that they lie on one node of a cluster. All but the first two may be missing. Each has a TTL.
 *
 * The first write of a script is one that a full Redis refuses, or all of them need no memory: Redis asks before the first
 * write of a script alone, so nothing is done by halves.
 */
import { type CommandParser, defineScript } from 'redis';
import { TOMBSTONE_MS } from '../../store.js';

export type ScriptArgument = string | number | Buffer;

const PRELUDE = `
local SESSION, now = KEYS[1], tonumber(ARGV[1])
local RECORD, PARTS, BLOBS = SESSION .. ':record', SESSION .. ':parts', SESSION .. ':blobs'
local UPLOADS, MANIFEST = SESSION .. ':uploads', SESSION .. ':manifest'

local function octets(position) return SESSION .. ':part:' .. position end
local function staged(upload) return SESSION .. ':staged:' .. upload end

local function changed()
	local prefix, sid = string.match(SESSION, '^(.*):{(.*)}$')
	redis.call('PUBLISH', prefix .. ':changed', sid)
end

-- The key goes with the session.
local function lasting(key)
	redis.call('PEXPIRE', key, math.max(1, redis.call('PTTL', RECORD)))
end

-- Needs no memory, so that a full Redis can be emptied; and no key of the right kind, so that a damaged session can be ended.
local function bury()
	for _, position in ipairs(redis.pcall('HKEYS', PARTS)) do redis.call('UNLINK', octets(position)) end
	for _, upload in ipairs(redis.pcall('HKEYS', UPLOADS)) do redis.call('UNLINK', staged(upload)) end
	redis.call('UNLINK', RECORD, PARTS, BLOBS, UPLOADS, MANIFEST)
	redis.call('PEXPIRE', SESSION, ${TOMBSTONE_MS}, 'LT')
	changed()
end

-- Why there is no such session, or nil. It ends for all replicas when the clock of any of them says so, and by the engine's TTL
-- when the time has really gone by: a clock that goes back gives it no more.
local function ended()
	local expiresAt = redis.call('HGET', RECORD, 'expiresAt')
	local known = redis.call('EXISTS', SESSION) == 1
	if not expiresAt then return known and 'session_gone' or 'session_not_found' end
	if not known then
		-- Redis has evicted the hashes alone: nobody can prove any more that it is theirs.
		bury()
		return 'session_not_found'
	end
	if now < tonumber(expiresAt) then return nil end
	bury()
	return 'session_gone'
end

local function view(stored)
	local hashes = redis.call('HMGET', SESSION, 'readHash', 'writeHash', 'ownerHash')
	local record = redis.call('HMGET', RECORD,
		'expiresAt', 'maxBytes', 'partBytes', 'request', 'fingerprint', 'parts', 'bytes')
	return {stored, hashes, record, redis.call('EXISTS', MANIFEST)}
end
`;

/**
 * Its arguments are the session's key, the caller's time in ms, and whatever else the script reads from `ARGV[2]` on. It
 * answers a list that begins with what came of it: a code of the contract, or a word of its own.
 */
export function script(body: string) {
	return defineScript({
		SCRIPT: PRELUDE + body,
		NUMBER_OF_KEYS: 1,
		parseCommand(parser: CommandParser, session: string, now: number, args: readonly ScriptArgument[] = []) {
			parser.pushKey(session);
			parser.push(String(now), ...args.map((value) => (typeof value === 'number' ? String(value) : value)));
		},
		transformReply: (reply: unknown) => reply,
	});
}
