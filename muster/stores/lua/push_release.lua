-- These were sent, or surely were not.
--
-- KEYS     as in push_claim.lua
-- ARGV[1]  the holder: of others' claims none is taken away
-- ARGV[2]  milliseconds that anything is remembered
-- ARGV[3..] per key: 1 it was sent, 0 it was not

for i, key in ipairs(KEYS) do
    if ARGV[2 + i] == '1' then
        redis.call('SET', key, 's', 'PX', ARGV[2])
    elseif string.sub(redis.call('GET', key) or '', 2, 9) == ARGV[1] then
        redis.call('DEL', key)
    end
end
return 1
