-- A generation begins in a bucket; the bucket is made if there is none.
--
-- KEYS[1]  the bucket (presence_say.lua)
-- KEYS[2]  the bucket's edges
-- ARGV[1]  the generation
-- ARGV[2]  the epoch if there is none: a random string

if redis.call('HSETNX', KEYS[1], 'epoch', ARGV[2]) == 1 then
    redis.call('HSET', KEYS[1], 'n', 0)
    redis.call('DEL', KEYS[2])
end
redis.call('HSET', KEYS[1], 'g' .. ARGV[1], '1')
return 1
