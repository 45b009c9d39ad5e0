-- One job per person and room, wherever it is: the beginning of the scripts on a bucket, never run alone.
--
-- KEYS[1]     the jobs: a hash of person 16 + room 16 -> where it is, one of
--                 d<priority><attempts>                    in a due set, until its time has come
--                 l<priority><id>                          on a lane: waiting, or in a hand
--                 l<priority><id>|<priority>|<at>          in a hand, and wished for again meanwhile
-- KEYS[2..4]  the due sets, by priority: person 16 + room 16 -> at, in milliseconds
-- KEYS[5..7]  the lanes, by priority: streams whose field `j` is person 16 | room 16 | attempts | space | at
-- KEYS[8]     the dead letters: a stream of `k` person 16 + room 16, `p` priority, `r` reason
-- KEYS[9]     the epoch: whoever finds none has lost everything
--
-- A job is on no lane twice, and every delivery has an id of its own: what is taken over from a dead worker goes back
-- to its lane under a new one. So an id that can be acked is in the hand that it was given to, and in no other.

local GROUP, HAND = 'pushers', 'all'
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local function whole(number)
    return string.format('%.0f', number)
end

local function add(key, priority, at, attempts)
    local id = redis.call('XADD', KEYS[5 + priority], '*', 'j', key .. attempts .. ' ' .. whole(at))
    redis.call('HSET', KEYS[1], key, 'l' .. priority .. id)
end

local function enqueue(key, priority, at, attempts)
    if at > now then
        redis.call('ZADD', KEYS[2 + priority], whole(at), key)
        redis.call('HSET', KEYS[1], key, 'd' .. priority .. attempts)
    else
        add(key, priority, at > 0 and at or now, attempts)
    end
end

local function lane_entry(priority, id)
    local found = redis.call('XRANGE', KEYS[5 + priority], id, id)[1]
    if not found then
        return nil
    end
    local written = found[2][2]
    local attempts, at = string.match(string.sub(written, 33), '^(%d+) (%d+)$')
    return string.sub(written, 1, 32), attempts, tonumber(at)
end

-- Priority, id, and what was wished for meanwhile (priority, at), of a job on a lane.
local function on_lane(state)
    local priority, id, next_priority, next_at = string.match(state, '^l(%d)([%d-]+)|?(%d?)|?(%d*)$')
    return tonumber(priority), id, tonumber(next_priority), tonumber(next_at)
end

local function put_waiting(key, priority, at, state)
    local held, attempts = tonumber(string.sub(state, 2, 2)), string.sub(state, 3)
    local before = tonumber(redis.call('ZSCORE', KEYS[2 + held], key) or nil)
    if not before then -- somebody took the set away: nothing else would ever bring this job back
        enqueue(key, priority, at, '0')
    elseif priority < held or at < before then
        redis.call('ZREM', KEYS[2 + held], key)
        enqueue(key, math.min(priority, held), math.min(at, before), attempts)
    end
end

local function put_on_lane(key, priority, at, state)
    local held, id, next_priority, next_at = on_lane(state)
    local found, attempts, since = lane_entry(held, id)
    if not found then -- somebody took the lane away: nothing else would ever bring this job back
        return enqueue(key, priority, at, '0')
    end
    local hand = redis.pcall('XPENDING', KEYS[5 + held], GROUP, id, id, 1) -- an error: nobody has read the lane yet
    if not hand.err and #hand > 0 then
        if next_at then
            priority, at = math.min(priority, next_priority), math.min(at, next_at)
        end
        redis.call('HSET', KEYS[1], key, 'l' .. held .. id .. '|' .. priority .. '|' .. whole(at))
    elseif priority < held then
        redis.call('XDEL', KEYS[5 + held], id)
        add(key, priority, since, attempts)
    end
end

local function put(key, priority, at)
    at = at > 0 and at or now
    local state = redis.call('HGET', KEYS[1], key)
    if not state then
        enqueue(key, priority, at, '0')
    elseif string.sub(state, 1, 1) == 'd' then
        put_waiting(key, priority, at, state)
    else
        put_on_lane(key, priority, at, state)
    end
end

-- Out of the hand it is in; false if it is not in that hand any more. Then what was wished for meanwhile.
local function taken_back(key, priority, id)
    if redis.call('XACK', KEYS[5 + priority], GROUP, id) == 0 then
        return false
    end
    redis.call('XDEL', KEYS[5 + priority], id)
    local state = redis.call('HGET', KEYS[1], key)
    if not state then -- somebody took the jobs away
        return true
    end
    local held, known, next_priority, next_at = on_lane(state)
    if held ~= priority or known ~= id then
        return false
    end
    redis.call('HDEL', KEYS[1], key)
    return true, next_priority, next_at
end

