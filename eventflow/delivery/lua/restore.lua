-- Queue again those of one target's deliveries that are nowhere: someone took them out of their place.
--
-- KEYS 1..4         zset   queued:<target>, running:<target>, waiting:<target>, parked:<target>
-- KEYS i+4          hash   delivery:<id>
-- ARGV i            the delivery's id
-- Returns the ids that are queued now
--# include journal
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local ids = {}
for i = 1, #ARGV do
  local is_somewhere = false
  for place = 1, 4 do
    is_somewhere = is_somewhere or redis.call('ZSCORE', KEYS[place], ARGV[i])
  end
  if not is_somewhere and redis.call('HEXISTS', KEYS[i + 4], 'attempts') == 1 then
    redis.call('ZADD', KEYS[1], now, ARGV[i])
    note('queued', 'd', ARGV[i], 'f', '{"why":"restored"}')
    ids[#ids + 1] = ARGV[i]
  end
end
return ids
