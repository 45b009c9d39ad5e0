-- Put jobs. Begins with push_job.lua.
--
-- ARGV  per job: person 16 + room 16, priority, at in milliseconds

for i = 1, #ARGV, 3 do
    put(ARGV[i], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2]))
end
return 1
