-- The register of generations and their leases, by Redis' clock.
--
-- KEYS[1]  the register: a hash of generation -> hub 16 | state 1 (n new, s settled, x dead) | lease's end, 14 digits
-- KEYS[2]  who is sweeping: a hash of generation -> hub 16 | until, 14 digits
-- ARGV[1]  `enter`, `renew`, `retire`, `claim`, `strike`, or `look`
-- ARGV[2]  the generation
-- ARGV[3]  the hub that asks
-- ARGV[4]  milliseconds from now: of the lease, or of the claim
-- ARGV[5]  the state a lease has from now on (enter, renew)
--
-- Answers whether it was done (1, 0), the time in milliseconds, then generation and value of each on the register.
-- A lease that ran out can be renewed until somebody has claimed it: then its generation is dead for good.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local asked, generation, hub = ARGV[1], ARGV[2], ARGV[3]
local present = redis.call('HGET', KEYS[1], generation)
local is_alive = present and string.sub(present, 17, 17) ~= 'x'
local until_then = string.format('%014d', now + tonumber(ARGV[4]))
local done = 1

if asked == 'enter' then
    redis.call('HSET', KEYS[1], generation, hub .. ARGV[5] .. until_then)
elseif asked == 'renew' or asked == 'retire' then
    if is_alive then
        local state = asked == 'renew' and ARGV[5] or string.sub(present, 17, 17)
        redis.call('HSET', KEYS[1], generation, string.sub(present, 1, 16) .. state .. until_then)
    else
        done = 0
    end
elseif asked == 'claim' then
    local claim = redis.call('HGET', KEYS[2], generation)
    if is_alive and tonumber(string.sub(present, 18)) > now then
        done = 0
    elseif claim and string.sub(claim, 1, 16) ~= hub and tonumber(string.sub(claim, 17)) > now then
        done = 0
    else
        redis.call('HSET', KEYS[2], generation, hub .. until_then)
        if is_alive then
            redis.call('HSET', KEYS[1], generation, string.sub(present, 1, 16) .. 'x' .. string.sub(present, 18))
        end
    end
elseif asked == 'strike' then
    redis.call('HDEL', KEYS[1], generation)
    redis.call('HDEL', KEYS[2], generation)
end

local answer = {done, string.format('%.0f', now)}
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all do
    answer[#answer + 1] = all[i]
end
return answer
