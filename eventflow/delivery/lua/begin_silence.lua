-- Begin to count for how long rules match nothing: from now on for those that are new.
--
-- KEYS 1            hash   matches: rule -> when it last matched, or since when it is there
-- ARGV              the names of the rules in force; all others are forgotten
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local in_force = {}
for _, rule in ipairs(ARGV) do
  in_force[rule] = true
  redis.call('HSETNX', KEYS[1], rule, now)
end
local kept = redis.call('HGETALL', KEYS[1])
for i = 1, #kept, 2 do
  if not in_force[kept[i]] then
    redis.call('HDEL', KEYS[1], kept[i])
  end
end
