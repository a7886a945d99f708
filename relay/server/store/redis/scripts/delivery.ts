/** What the asking side takes: the list of parts, one of them, the manifest that finishes the session. */
import { script } from './script.js';

export const listParts = script(`
local why = ended()
if why then return {why} end
return {'parts', redis.call('HGETALL', PARTS)}
`);

/** ARGV: bid.n */
export const readPart = script(`
local why = ended()
if why then return {why} end
local there = redis.call('HGET', PARTS, ARGV[2])
if not there then return {'part_not_found'} end
return {'part', there}
`);

/** ARGV: manifest */
export const putManifest = script(`
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

export const readManifest = script(`
local why = ended()
if why then return {why} end
return {'manifest', redis.call('GET', MANIFEST)}
`);
