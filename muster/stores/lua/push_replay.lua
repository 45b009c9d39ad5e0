-- Put dead letters again, now. Begins with push_job.lua.
--
-- ARGV  their ids
--
-- Answers how many were there.

local replayed = 0
for _, id in ipairs(ARGV) do
    local letter = redis.call('XRANGE', KEYS[8], id, id)[1]
    if letter then
        redis.call('XDEL', KEYS[8], id)
        put(letter[2][2], tonumber(letter[2][4]), 0)
        replayed = replayed + 1
    end
end
return replayed
