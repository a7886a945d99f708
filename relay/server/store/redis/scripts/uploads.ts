/**
 * A part on its way in: announced, written piece by piece beside the parts, and put in its place when it is whole. An upload
 * whose replica has died lapses with its deadline, by the engine's clock, which also gives the staged octets their TTL.
 */
import { LIMITS } from '../../../../contract.js';
import { MOST_PARTS } from '../../store.js';
import { script } from './script.js';

const UPLOAD = `
local upload, uploadMs = ARGV[2], ARGV[3]

local function read(upload)
	local bid, n, bytes, digest = string.match(upload, '^([^.]+)%.(%d+)%.(%d+)%.([^.]+)%.')
	return {bid = bid, position = bid .. '.' .. n, bytes = tonumber(bytes), content = bytes .. '.' .. digest}
end
local part = read(upload)

local function time()
	local seconds, micros = unpack(redis.call('TIME'))
	return seconds * 1000 + math.floor(micros / 1000)
end

local function proceed(written)
	redis.call('HSET', UPLOADS, upload, string.format('%.0f:%.0f', time() + uploadMs, written))
	lasting(UPLOADS)
end

-- How much of it is written, or nil when it has lapsed.
local function written()
	local deadline, so_far = string.match(redis.call('HGET', UPLOADS, upload) or '', '^(%d+):(%d+)$')
	if not deadline or tonumber(deadline) <= time() then return nil end
	so_far = tonumber(so_far)
	local length = redis.call('STRLEN', staged(upload))
	return length == (so_far > 0 and part.bytes or 0) and so_far or nil
end

-- Why the part cannot be stored, or nil.
local function refused()
	if not redis.call('HGET', SESSION, 'ownerHash') then return 'not_claimed' end
	local there = redis.call('HGET', PARTS, part.position)
	if there == part.content then return 'repeated' end
	if redis.call('EXISTS', MANIFEST) == 1 then return 'already_sent' end
	return there and 'already_exists' or nil
end
`;

/**
 * Sets the part's octets aside. Of several uploads of one part only one will be stored, so only the longest counts.
 * ARGV: upload, its life in ms, the most uploads of a session
 */
export const beginPart = script(`${UPLOAD}
local why = ended() or refused()
if why then return {why} end
local under_way, longest, blobs = 0, {[part.position] = part.bytes}, {[part.bid] = true}
local lapsed = {}
local uploads = redis.call('HGETALL', UPLOADS)
for i = 1, #uploads, 2 do
	if tonumber(string.match(uploads[i + 1], '^%d+')) <= time() then
		table.insert(lapsed, uploads[i])
	else
		local other = read(uploads[i])
		under_way = under_way + 1
		blobs[other.bid] = true
		if redis.call('HEXISTS', PARTS, other.position) == 0 then
			longest[other.position] = math.max(longest[other.position] or 0, other.bytes)
		end
	end
end
if under_way >= tonumber(ARGV[4]) then return {'too_many_requests'} end
local bytes, maxBytes = unpack(redis.call('HMGET', RECORD, 'bytes', 'maxBytes'))
bytes = tonumber(bytes)
local parts = redis.call('HLEN', PARTS)
for _, more in pairs(longest) do bytes, parts = bytes + more, parts + 1 end
local count = redis.call('SCARD', BLOBS)
for bid in pairs(blobs) do count = count + 1 - redis.call('SISMEMBER', BLOBS, bid) end
if bytes > tonumber(maxBytes) or parts > ${MOST_PARTS} or count > ${LIMITS.blobsPerSession} then return {'too_large'} end
proceed(0)
for _, other in ipairs(lapsed) do redis.call('HDEL', UPLOADS, other) end
return {'begun'}
`);

/**
 * Writes the next piece. Room for the whole part is made with the first one: APPEND would double or copy what is there, which
 * took up to twice the memory and time. ARGV: upload, its life in ms, where the piece begins, its octets
 */
export const appendPart = script(`${UPLOAD}
local why = ended()
if why then return {why} end
local at, piece = tonumber(ARGV[4]), ARGV[5]
if written() ~= at then return {'unavailable'} end
local key = staged(upload)
if at == 0 and #piece < part.bytes then redis.call('SETRANGE', key, part.bytes - 1, '\\0') end
redis.call('SETRANGE', key, at, piece)
redis.call('PEXPIRE', key, uploadMs)
proceed(at + #piece)
return {'appended'}
`);

/** From here on the part is there, as a whole. ARGV: upload, its life in ms */
export const commitPart = script(`${UPLOAD}
local why = ended() or refused()
if why then return {why} end
if written() ~= part.bytes then return {'unavailable'} end
redis.call('HSET', PARTS, part.position, part.content)
lasting(PARTS)
redis.call('RENAME', staged(upload), octets(part.position))
lasting(octets(part.position))
redis.call('SADD', BLOBS, part.bid)
lasting(BLOBS)
redis.call('HINCRBY', RECORD, 'parts', 1)
redis.call('HINCRBY', RECORD, 'bytes', part.bytes)
redis.call('HDEL', UPLOADS, upload)
changed()
return {'created'}
`);

/** Gives back what `beginPart` set aside. ARGV: upload */
export const abandonPart = script(`
redis.call('HDEL', UPLOADS, ARGV[2])
redis.call('UNLINK', staged(ARGV[2]))
return {'abandoned'}
`);
