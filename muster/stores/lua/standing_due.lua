-- Take whose time has come; nobody else gets them for a while.
--
-- KEYS[1]  the bucket's epoch: `!` and anything where it is open
-- KEYS[2]  the due set: person 16 + room 16 -> when, in milliseconds
-- ARGV[1]  how many at most
-- ARGV[2]  milliseconds that whoever takes them has for it
--
-- Answers nil if the bucket is not open, else by how much the first one is late, in milliseconds, then each.

if string.sub(redis.call('GET', KEYS[1]) or '', 1, 1) ~= '!' then
    return nil
end
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local due = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', now), 'WITHSCORES', 'LIMIT', 0, ARGV[1])
local answers = {due[2] and math.floor(now - tonumber(due[2])) or 0}
local again = string.format('%.0f', now + tonumber(ARGV[2]))
for i = 1, #due, 2 do
    redis.call('ZADD', KEYS[2], again, due[i])
    answers[#answers + 1] = due[i]
end
return answers
