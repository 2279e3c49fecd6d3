-- Forget those of a place's entries whose delivery is gone, and count them: someone took its record.
--
-- KEYS 1, 2         zset   queued:<target>, running:<target>, waiting:<target> or parked:<target>
--                   hash   counts:<target>     vanished
-- KEYS i+2          hash   delivery:<id>
-- ARGV i            the delivery's id
-- Returns the ids that were forgotten
--# include journal
local ids = {}
for i = 1, #ARGV do
  if redis.call('HEXISTS', KEYS[i + 2], 'attempts') == 0 and redis.call('ZREM', KEYS[1], ARGV[i]) == 1 then
    redis.call('DEL', KEYS[i + 2])
    redis.call('HINCRBY', KEYS[2], 'vanished', 1)
    note('lost', 'd', ARGV[i], 'f', '{"why":"vanished"}')
    ids[#ids + 1] = ARGV[i]
  end
end
return ids
