-- Begin or finish to put back what a bucket has lost.
--
-- KEYS[1]  the bucket's epoch: `!` and anything where it is open, `?` while it is rebuilt
-- ARGV[1]  `begin` or `finish`
-- ARGV[2]  to begin: a mark that nobody had before; to finish: what `begin` answered
--
-- `begin` answers the epoch as it is now; `finish` opens the bucket if that is still the one.

local epoch = redis.call('GET', KEYS[1])
if ARGV[1] == 'begin' then
    if not epoch then
        epoch = '?' .. ARGV[2]
        redis.call('SET', KEYS[1], epoch)
    end
    return epoch
end
if epoch == ARGV[2] and string.sub(epoch, 1, 1) == '?' then
    redis.call('SET', KEYS[1], '!' .. string.sub(epoch, 2))
    return 1
end
return 0
