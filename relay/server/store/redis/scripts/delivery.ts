/** What the asking side takes: the list of parts, one of them, the manifest that finishes the session. */
import { script } from './script.js';

export const parts = script(`
local why = ended()
if why then return {why} end
return {'parts', redis.call('HGETALL', PARTS)}
`);

/** ARGV: bid.n */
export const part = script(`
local why = ended()
if why then return {why} end
local there = redis.call('HGET', PARTS, ARGV[2])
if not there then return {'part_not_found'} end
return {'part', there}
`);

/** ARGV: manifest */
export const finalise = script(`
local why = ended()
if why then return {why} end
if not redis.call('HGET', SESSION, 'ownerHash') then return {'not_claimed'} end
local there = redis.call('GET', MANIFEST)
if there then return {there == ARGV[2] and 'repeated' or 'already_sent'} end
redis.call('SET', MANIFEST, ARGV[2])
lasting(MANIFEST)
changed()
return {'created'}
`);

export const manifest = script(`
local why = ended()
if why then return {why} end
return {'manifest', redis.call('GET', MANIFEST)}
`);
