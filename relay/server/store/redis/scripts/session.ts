/** A session's life: made, found, claimed, ended. */
import { TOMBSTONE_MS } from '../../store.js';
import { script } from './script.js';

/** ARGV: readHash, writeHash, expiresAt, maxBytes, partBytes, request (JSON), fingerprint */
export const create = script(`
local _, readHash, writeHash, expiresAt, maxBytes, partBytes, request, fingerprint = unpack(ARGV)
local why = ended()
if why == 'session_gone' then
	local hashes = redis.call('HMGET', SESSION, 'readHash', 'writeHash')
	return {hashes[1] == readHash and hashes[2] == writeHash and why or 'already_exists'}
end
if not why then
	if redis.call('HGET', RECORD, 'fingerprint') ~= fingerprint then return {'already_exists'} end
	return view('repeated')
end
local left = math.max(1, tonumber(expiresAt) - now)
redis.call('HSET', SESSION, 'readHash', readHash, 'writeHash', writeHash)
redis.call('PEXPIRE', SESSION, left + ${TOMBSTONE_MS})
redis.call('HSET', RECORD, 'expiresAt', expiresAt, 'maxBytes', maxBytes, 'partBytes', partBytes,
	'request', request, 'fingerprint', fingerprint, 'parts', 0, 'bytes', 0)
redis.call('PEXPIRE', RECORD, left)
return view('created')
`);

export const find = script(`
local why = ended()
if not why then return view('live') end
if why == 'session_not_found' then return {'unknown'} end
return {'gone', redis.call('HMGET', SESSION, 'readHash', 'writeHash', 'ownerHash')}
`);

/** ARGV: ownerHash */
export const claim = script(`
local why = ended()
if why then return {why} end
local owner = redis.call('HGET', SESSION, 'ownerHash')
if owner then return {owner == ARGV[2] and 'repeated' or 'already_claimed'} end
redis.call('HSET', SESSION, 'ownerHash', ARGV[2])
changed()
return {'created'}
`);

export const remove = script(`
local why = ended()
if why then return {why} end
bury()
return {'removed'}
`);
