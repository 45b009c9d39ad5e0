-- What somebody's presence is, all devices together: the beginning of the scripts that need it, never run alone.
--
-- A person's hash: a field of 16 bytes per device, `p` for the profile.
-- A claim (the value of a device): generation 16 | attention 1 (a, i, b) | stamp 14 digits | room 16, or nothing
-- A record: attention 1 (- for nobody) | number of rooms 1 | rooms 16 each | profile; empty for who is not in at all
--
-- muster/presence.py says the same in Python (merged). Strings are compared byte by byte here: the order that Lua
-- gives them depends on the server's locale.

local RANK = {a = 1, i = 2, b = 3}
local ROOMS_TOLD = 4

local function less(one, other)
    for i = 1, math.min(#one, #other) do
        local a, b = string.byte(one, i), string.byte(other, i)
        if a ~= b then
            return a < b
        end
    end
    return #one < #other
end

-- `without`: as if that device were not there; nil: all of them.
local function record_of(key, without)
    local fields = redis.call('HGETALL', key)
    local best, profile, rooms, known = nil, '', {}, {}
    for i = 1, #fields, 2 do
        local field, value = fields[i], fields[i + 1]
        if field == 'p' then
            profile = value
        elseif field ~= without then
            local attention = string.sub(value, 17, 17)
            if not best or RANK[attention] < RANK[best] then
                best = attention
            end
            local room = string.sub(value, 32)
            if attention == 'a' and room ~= '' and not known[room] then
                known[room] = true
                rooms[#rooms + 1] = room
            end
        end
    end
    if not best then
        return ''
    end
    table.sort(rooms, less)
    local told = math.min(#rooms, ROOMS_TOLD)
    return best .. string.char(told) .. table.concat(rooms, '', 1, told) .. profile
end

