-- How people of one bucket are now, and as of which edge. Begins with presence_merge.lua.
--
-- KEYS[1]   the bucket (presence_say.lua)
-- KEYS[2..] the people's hashes
--
-- Answers epoch, number of the last edge, then a record per person.

local head = redis.call('HMGET', KEYS[1], 'epoch', 'n')
local answer = {head[1] or '', tonumber(head[2] or 0)}
for i = 2, #KEYS do
    answer[#answer + 1] = record_of(KEYS[i])
end
return answer
