-- May these be sent? Whoever is told so has the claim until it runs out.
--
-- KEYS     one per device, room and seq: `s`, it was sent; or `c` holder 8 | end, in milliseconds
-- ARGV[1]  the holder
-- ARGV[2]  milliseconds that a claim lasts
-- ARGV[3]  milliseconds that anything is remembered
--
-- Answers per key: 0 mine, 1 busy, 2 sent, 3 torn, and mine now.

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local claim = 'c' .. ARGV[1] .. string.format('%.0f', now + tonumber(ARGV[2]))
local answers = {}
for i, key in ipairs(KEYS) do
    local known = redis.call('GET', key)
    if known == 's' then
        answers[i] = 2
    elseif known and tonumber(string.sub(known, 10)) > now then
        answers[i] = 1
    else
        answers[i] = known and 3 or 0
        redis.call('SET', key, claim, 'PX', ARGV[3])
    end
end
return answers
