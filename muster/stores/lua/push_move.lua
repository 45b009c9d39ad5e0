-- Move what is due to its lane, and what a dead worker has in hand back to it; then tell what waits. Begins with
-- push_job.lua.
--
-- ARGV[1]  how many are moved at most
-- ARGV[2]  milliseconds in one hand after which its owner is dead; empty: not looked for
--
-- Answers the time, when the next one is due (empty: none is), then per lane how many wait, then per lane the last id
-- on it, which nothing that comes later is before.

local function take_over(priority, idle)
    local lane = KEYS[5 + priority]
    for _, id in ipairs(redis.call('XAUTOCLAIM', lane, GROUP, HAND, idle, '0-0', 'COUNT', 100, 'JUSTID')[2]) do
        local key, attempts, at = lane_entry(priority, id)
        if not key then
            redis.call('XACK', lane, GROUP, id)
        else
            local back, next_priority = taken_back(key, priority, id)
            if back then
                add(key, math.min(priority, next_priority or priority), at, whole(attempts + 1))
            end
        end
    end
end

-- The members of a due set whose time has come, with their times and attempts.
local function move(priority, most)
    local set = KEYS[2 + priority]
    local due = redis.call('ZRANGEBYSCORE', set, '-inf', whole(now), 'WITHSCORES', 'LIMIT', 0, most)
    local keys = {}
    for i = 1, #due, 2 do
        keys[#keys + 1] = due[i]
    end
    if #keys > 0 then
        redis.call('ZREM', set, unpack(keys))
        local states = redis.call('HMGET', KEYS[1], unpack(keys))
        for i, key in ipairs(keys) do
            local attempts = string.match(states[i] or '', '^d%d(%d+)$')
            if attempts or not states[i] then
                add(key, priority, tonumber(due[2 * i]), attempts or '0')
            end
        end
    end
    return #keys
end

local left, next_at = tonumber(ARGV[1]), nil
local waiting, last = {}, {}
for priority = 0, 2 do
    local lane = KEYS[5 + priority]
    if ARGV[2] ~= '' and redis.call('EXISTS', lane) == 1 then
        redis.pcall('XGROUP', 'CREATE', lane, GROUP, '0') -- an error: it is there
        take_over(priority, ARGV[2])
    end
end
for priority = 0, 2 do
    if left > 0 then
        left = left - move(priority, left)
    end
    local first = redis.call('ZRANGE', KEYS[2 + priority], 0, 0, 'WITHSCORES')[2]
    if first and (not next_at or tonumber(first) < next_at) then
        next_at = tonumber(first)
    end
end
for priority = 0, 2 do
    local lane = KEYS[5 + priority]
    local count = redis.call('XLEN', lane)
    local pending = redis.pcall('XPENDING', lane, GROUP)
    if pending.err then
        redis.call('XGROUP', 'CREATE', lane, GROUP, '0', 'MKSTREAM')
    end
    waiting[#waiting + 1] = count - (pending[1] or 0)
    local newest = count > 0 and redis.call('XREVRANGE', lane, '+', '-', 'COUNT', 1)[1]
    last[#last + 1] = newest and newest[1] or '0-0'
end
return {whole(now), next_at and whole(next_at) or '', waiting[1], waiting[2], waiting[3], last[1], last[2], last[3]}
