-- Say of devices that they are in or out, and write the edges that come of it. Begins with presence_merge.lua.
--
-- KEYS[1]   the bucket: a hash of `epoch`, `n` (the last edge's number), and a field `g` + generation per hub
-- KEYS[2]   the bucket's edges: a stream, ids are n-0
-- KEYS[3]   the devices of this generation in this bucket: a set of person 16 + device 16
-- KEYS[4..] the people's hashes, one per saying
-- ARGV[1]   the generation
-- ARGV[2]   `say`, or `sweep` for a generation that is dead and taken out
-- ARGV[3]   how many edges the stream keeps
-- ARGV[4..] per saying: person, device, claim (empty: it is out), profile
--
-- Answers nil if the generation is not known here, else per saying: 0 done, 1 the person came in, 2 went out,
-- 3 superseded. What is out is out only where the claim was this generation's.

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
    redis.call('HSET', key, device, claim)
    local known = redis.call('HGET', key, 'p')
    if not known or tonumber(string.sub(known, 1, 16)) < tonumber(string.sub(profile, 1, 16)) then
        redis.call('HSET', key, 'p', profile)
    end
    return true
end

local function take_out(key, device)
    local present = redis.call('HGET', key, device)
    if present and string.sub(present, 1, 16) == generation then
        redis.call('HDEL', key, device)
        if redis.call('HLEN', key) == 1 then
            redis.call('DEL', key)
        end
    end
end

local answers = {}
for i = 4, #KEYS do
    local key, at = KEYS[i], 4 + (i - 4) * 4
    local person, device, claim, profile = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
    local before, done = record_of(key), true
    if claim == '' then
        take_out(key, device)
    else
        done = put(key, device, claim, profile)
    end
    if claim ~= '' and done then
        redis.call('SADD', KEYS[3], person .. device)
    else
        redis.call('SREM', KEYS[3], person .. device)
    end
    local after, answer = record_of(key), 0
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
