-- Count an attempt as failed before it is made, or take back what was counted.
--
-- KEYS[1]  `failures until`: how many failed, and the millisecond of Redis' clock before which nobody may try; absent: none
-- ARGV[1]  `begin`; `passed`: nothing failed here; `void`: one counted for nothing
-- ARGV[2]  failures that cost no pause
-- ARGV[3]  milliseconds of the first pause; each is twice the one before
-- ARGV[4]  milliseconds of the longest
-- ARGV[5]  milliseconds after which all is forgotten
--
-- `begin` answers `failures wait`: milliseconds to wait, and then nothing was counted; or 0. Else nothing of interest.

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local failures, shut = string.match(redis.call('GET', KEYS[1]) or '0 0', '^(%d+) (%d+)$')
failures, shut = tonumber(failures), tonumber(shut)
local free, first, most, forget = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])

local function keep(count, till)
    redis.call('SET', KEYS[1], string.format('%.0f %.0f', count, till), 'PX', forget)
end

if ARGV[1] == 'passed' then
    redis.call('DEL', KEYS[1])
    return '0 0'
end
if ARGV[1] == 'void' then
    if failures > 1 then
        keep(failures - 1, 0)
    else
        redis.call('DEL', KEYS[1])
    end
    return '0 0'
end
if shut > now then
    return string.format('%.0f %.0f', failures, math.min(shut - now, most))
end
failures = failures + 1
local pause = 0
if failures >= free then
    pause = math.min(most, first * 2 ^ math.min(failures - free, 30))
end
keep(failures, now + pause)
return string.format('%.0f 0', failures)
