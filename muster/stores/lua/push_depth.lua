-- How much there is, and how long the oldest has waited past its time. Begins with push_job.lua; changes nothing.
--
-- Answers how many are in the due sets, how many wait per lane, how many are in a hand, milliseconds that the oldest is
-- past its time, how many dead letters.

local due, taken, waiting, oldest = 0, 0, {}, now
for priority = 0, 2 do
    local set, lane = KEYS[2 + priority], KEYS[5 + priority]
    due = due + redis.call('ZCARD', set)
    local first = redis.call('ZRANGE', set, 0, 0, 'WITHSCORES')[2]
    oldest = math.min(oldest, tonumber(first or now))
    local groups = redis.pcall('XINFO', 'GROUPS', lane) -- an error: there is no lane
    local pending, delivered = 0, '-'
    if not groups.err and groups[1] then
        pending, delivered = groups[1][6], '(' .. groups[1][8]
    end
    taken = taken + pending
    waiting[#waiting + 1] = redis.call('XLEN', lane) - pending
    local next_up = redis.call('XRANGE', lane, delivered, '+', 'COUNT', 1)[1]
    if next_up then
        local _, _, at = lane_entry(priority, next_up[1])
        oldest = math.min(oldest, at)
    end
end
return {due, waiting[1], waiting[2], waiting[3], taken, whole(now - oldest), redis.call('XLEN', KEYS[8])}
