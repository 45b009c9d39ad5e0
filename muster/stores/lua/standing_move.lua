-- Put standings in the place of those they were judged from, unless somebody else was quicker.
--
-- KEYS[1]   the bucket's epoch: `!` and anything where it is open, `?` while it is rebuilt
-- KEYS[2]   the due set: person 16 + room 16 -> when, in milliseconds
-- KEYS[3..] the people's hashes, one per move: a field of 16 bytes per room; version 16 digits | kept until 16 digits |
--           state
-- ARGV[1]   `closed`: also where it is not open
-- ARGV[2..] per move: person, room, version (0: there is none), state (empty: forget), kept until, due (empty: never)
--
-- Answers nil if the bucket is not open, else per move its new version, `0` where it was another, `-1` if forgotten.
-- A version is later than all before it, by the clock: what was forgotten and came back is not taken for the same.

local VERSION, HEAD = 16, 32

if ARGV[1] ~= 'closed' and string.sub(redis.call('GET', KEYS[1]) or '', 1, 1) ~= '!' then
    return nil
end
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

-- What has outlived its event goes; the hash goes with the last of what is left.
local function tidy(key, person)
    local fields, last = redis.call('HGETALL', key), 0
    for i = 1, #fields, 2 do
        local till = tonumber(string.sub(fields[i + 1], VERSION + 1, HEAD))
        if till <= now then
            redis.call('HDEL', key, fields[i])
            redis.call('ZREM', KEYS[2], person .. fields[i])
        elseif till > last then
            last = till
        end
    end
    if last > 0 then
        redis.call('PEXPIREAT', key, string.format('%.0f', last))
    end
end

local answers = {}
for i = 1, (#ARGV - 1) / 6 do
    local key, at = KEYS[2 + i], i * 6 - 4
    local person, room, expected, state, till, due = unpack(ARGV, at, at + 5)
    local known = redis.call('HGET', key, room)
    local version = known and tonumber(string.sub(known, 1, VERSION)) or 0
    if version ~= tonumber(expected) then
        answers[i] = '0'
    elseif state == '' then
        redis.call('HDEL', key, room)
        redis.call('ZREM', KEYS[2], person .. room)
        answers[i] = '-1'
    else
        local new = math.max(version + 1, now)
        redis.call('HSET', key, room, string.format('%016.0f%016.0f', new, tonumber(till)) .. state)
        if due == '' then
            redis.call('ZREM', KEYS[2], person .. room)
        else
            redis.call('ZADD', KEYS[2], due, person .. room)
        end
        tidy(key, person)
        answers[i] = string.format('%.0f', new)
    end
end
return answers
