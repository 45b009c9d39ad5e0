-- Make sure that a lane exists and has an epoch; an existing lane is left as it is.
--
-- KEYS[1]  the lane's stream
-- KEYS[2]  the lane's epoch, a string in the same slot
-- ARGV[1]  the epoch if there is none: a random string
-- ARGV[2]  the stream field that announces an epoch in band
--
-- Answers the epoch in force.

if redis.call('EXISTS', KEYS[1]) == 1 then
    local epoch = redis.call('GET', KEYS[2])
    if epoch then
        return epoch
    end
end
redis.call('SET', KEYS[2], ARGV[1])
redis.call('XADD', KEYS[1], '*', ARGV[2], ARGV[1])
return ARGV[1]
