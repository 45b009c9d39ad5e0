-- Somebody wants others to see something else of them; nothing happens if no device of theirs is in, or if what is
-- known is newer. Begins with presence_merge.lua.
--
-- KEYS[1]  the bucket (presence_say.lua)
-- KEYS[2]  the bucket's edges
-- KEYS[3]  the person's hash
-- ARGV[1]  how many edges the stream keeps
-- ARGV[2]  the person
-- ARGV[3]  the profile

local known = redis.call('HGET', KEYS[3], 'p')
if not known or tonumber(string.sub(known, 1, 16)) >= tonumber(string.sub(ARGV[3], 1, 16)) then
    return 0
end
redis.call('HSET', KEYS[3], 'p', ARGV[3])
local number = redis.call('HINCRBY', KEYS[1], 'n', 1)
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[1], number .. '-0', 'e', ARGV[2] .. record_of(KEYS[3]))
return 1
