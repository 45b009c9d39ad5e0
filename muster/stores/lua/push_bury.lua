-- Give a job up, unless it is in another hand by now. Begins with push_job.lua.
--
-- ARGV[1]  person 16 + room 16
-- ARGV[2]  the priority of its lane
-- ARGV[3]  its id
-- ARGV[4]  the priority it would have at a replay
-- ARGV[5]  the reason
-- ARGV[6]  how many dead letters are kept
-- ARGV[7]  for how many milliseconds
-- ARGV[8]  up to where nothing was owed of it before

local key = ARGV[1]
local back, next_priority, next_at = taken_back(key, tonumber(ARGV[2]), ARGV[3])
if not back then
    return 0
end
redis.call('XADD', KEYS[8], 'MAXLEN', ARGV[6], '*', 'k', key, 'p', ARGV[4], 'r', ARGV[5], 'n', ARGV[8])
redis.call('XTRIM', KEYS[8], 'MINID', whole(now - tonumber(ARGV[7])))
redis.call('PEXPIRE', KEYS[8], ARGV[7])
if next_at then
    enqueue(key, next_priority, next_at, '0')
end
return 1
