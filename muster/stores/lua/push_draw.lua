-- Draw on allowances, each a bucket that fills with time; an absent one is full.
--
-- KEYS   one per draw: when the bucket is full again, in milliseconds
-- ARGV   per draw: how many fit into the bucket, milliseconds until one more is in it
--
-- Answers per draw: 0 it was drawn; else milliseconds until something is there.

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local answers = {}
for i, key in ipairs(KEYS) do
    local burst, every = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
    local full = math.max(tonumber(redis.call('GET', key) or now), now) + every
    local wait = full - burst * every - now
    if wait <= 0 then
        redis.call('SET', key, string.format('%.0f', full), 'PX', string.format('%.0f', full - now))
        wait = 0
    end
    answers[i] = wait
end
return answers
