-- Say of devices that they are in or out, and write the edges that come of it. Begins with presence_merge.lua.
--
-- KEYS[1]   the bucket: a hash of `epoch`, `n` (the last edge's number), and a field `g` + generation per hub
-- KEYS[2]   the bucket's edges: a stream, ids are n-0
-- KEYS[3]   the devices of this generation in this bucket: a set of person 16 + device 16
-- KEYS[4..] the people's hashes, one per saying, then how often they said goodbye, one per goodbye:
--           count, a space, when in milliseconds
-- ARGV[1]   the generation
-- ARGV[2]   `say`, or `sweep` for a generation that is dead and taken out
-- ARGV[3]   how many edges the stream keeps
-- ARGV[4..] per saying: person, device, claim, profile. Attention `=` in a claim: what the device had, or a.
--           An empty claim: it is out. `g` instead: it says goodbye, which is believed only so often (muster/damping.py).
--
-- Answers nil if the generation is not known here, else per saying: 0 done, 1 the person came in, 2 went out,
-- 3 superseded, 4 lingers. What is out is out only where the claim was this generation's.

local GOODBYES_BELIEVED = 3
local GOODBYES_HALVE_MS = 60000
local GOODBYES_KEPT_MS = 600000

local generation = ARGV[1]
if ARGV[2] == 'say' and redis.call('HEXISTS', KEYS[1], 'g' .. generation) == 0 then
    return nil
end

local function stamp_of(claim)
    return tonumber(string.sub(claim, 18, 31))
end

local function is_older(claim, present)
    local one, other = stamp_of(claim), stamp_of(present)
    if one ~= other then
        return one < other
    end
    return less(string.sub(claim, 1, 16), string.sub(present, 1, 16))
end

local function put(key, device, claim, profile)
    local present = redis.call('HGET', key, device)
    if present and is_older(claim, present) then
        return false
    end
    if string.sub(claim, 17, 17) == '=' then
        local attention = present and string.sub(present, 17, 17) or 'a'
        local room = present and string.sub(present, 32) or ''
        claim = string.sub(claim, 1, 16) .. attention .. string.sub(claim, 18, 31) .. room
    end
    redis.call('HSET', key, device, claim)
    local known = redis.call('HGET', key, 'p')
    if not known or tonumber(string.sub(known, 1, 16)) < tonumber(string.sub(profile, 1, 16)) then
        redis.call('HSET', key, 'p', profile)
    end
    return true
end

local function is_ours(key, device)
    local present = redis.call('HGET', key, device)
    return present and string.sub(present, 1, 16) == generation
end

local function take_out(key, device)
    if is_ours(key, device) then
        redis.call('HDEL', key, device)
        if redis.call('HLEN', key) == 1 then
            redis.call('DEL', key)
        end
    end
end

-- Whether a goodbye that others would see is believed; it is counted.
local function is_believed(byes)
    local time = redis.call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000)
    local count, at = string.match(redis.call('GET', byes) or '', '^(%S+) (%S+)$')
    count = count and tonumber(count) * 0.5 ^ ((now - tonumber(at)) / GOODBYES_HALVE_MS) + 1 or 1
    redis.call('SET', byes, string.format('%.6f %.0f', count, now), 'PX', GOODBYES_KEPT_MS)
    return count <= GOODBYES_BELIEVED
end

local answers, sayings, goodbyes = {}, (#ARGV - 3) / 4, 0
for i = 1, sayings do
    local key, at = KEYS[3 + i], i * 4
    local person, device, claim, profile = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
    local before, done, lingers = record_of(key), true, false
    if claim == 'g' then
        goodbyes = goodbyes + 1
        lingers = is_ours(key, device) and record_of(key, device) ~= before
            and not is_believed(KEYS[3 + sayings + goodbyes])
    end
    if #claim > 1 then
        done = put(key, device, claim, profile)
    elseif not lingers then
        take_out(key, device)
    end
    if #claim > 1 and done then
        redis.call('SADD', KEYS[3], person .. device)
    elseif not lingers then
        redis.call('SREM', KEYS[3], person .. device)
    end
    local after, answer = record_of(key), lingers and 4 or 0
    if before ~= after then
        local number = redis.call('HINCRBY', KEYS[1], 'n', 1)
        redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], number .. '-0', 'e', person .. after)
        if before == '' then
            answer = 1
        elseif after == '' then
            answer = 2
        end
    end
    answers[#answers + 1] = done and answer or 3
end
return answers
