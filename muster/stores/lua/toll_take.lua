-- Take tokens of buckets, of each as many as there are up to what is wanted.
--
-- KEYS[i]        a bucket: the microsecond, by Redis' clock, at which it is full again; absent: it is full
-- ARGV[4i-3]     microseconds in which one token comes
-- ARGV[4i-2]     tokens in a full bucket
-- ARGV[4i-1]     tokens below which none are given
-- ARGV[4i]       tokens that are wanted
--
-- Answers per key: tokens given, tokens left, and, where fewer than wanted were given, microseconds until the least are
-- there; as text, for Redis would cut fractions off. What is given below what was wanted is a multiple of the least.

local ROUNDING = 0.000001
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local answers = {}
for i = 1, #KEYS do
    local each, burst = tonumber(ARGV[4 * i - 3]), tonumber(ARGV[4 * i - 2])
    local least, wanted = tonumber(ARGV[4 * i - 1]), tonumber(ARGV[4 * i])
    -- Never more than empty: a clock that went back shuts nobody out for longer than filling takes.
    local debt = math.min(math.max(tonumber(redis.call('GET', KEYS[i]) or '0') - now, 0), burst * each)
    local held = burst - debt / each
    local given = 0
    if held + ROUNDING >= wanted then
        given = wanted
    elseif held + ROUNDING >= least then
        given = math.floor(held / least + ROUNDING) * least
    end
    if given > 0 then
        debt = debt + given * each
        held = math.max(held - given, 0)
        redis.call('SET', KEYS[i], string.format('%.0f', now + debt), 'PX', math.ceil(debt / 1000) + 1)
    end
    local wait = given < wanted and math.max((least - held) * each, 1) or 0
    answers[i] = string.format('%.6f %.6f %.0f', given, held, wait)
end
return answers
