-- Jobs are over, or are to be looked at again; one that is in another hand by now is left alone. Begins with
-- push_job.lua.
--
-- ARGV  per job: person 16 + room 16, priority of its lane, id, and if it is to be looked at again: at in
--       milliseconds, priority, attempts; else three times nothing
--
-- Whoever wished for it meanwhile is not forgotten: it is put for them.

for i = 1, #ARGV, 6 do
    local key, at, priority, attempts = ARGV[i], tonumber(ARGV[i + 3]), tonumber(ARGV[i + 4]), ARGV[i + 5]
    local back, next_priority, next_at = taken_back(key, tonumber(ARGV[i + 1]), ARGV[i + 2])
    if back and at then
        enqueue(key, math.min(priority, next_priority or priority), math.min(at, next_at or at), attempts)
    elseif back and next_at then
        enqueue(key, next_priority, next_at, '0')
    end
end
return 1
