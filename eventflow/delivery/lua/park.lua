-- Hold back a list of one target's deliveries that are queued, until their target may be called.
--
-- KEYS 1..4         zset   queued:<target>, running:<target>, waiting:<target>, parked:<target>
-- KEYS i+4          hash   delivery:<id>      accepted
-- ARGV i            the delivery's id
-- Returns how many are parked now
--# include journal
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local count = 0
for i = 1, #ARGV do
  local id = ARGV[i]
  local accepted = redis.call('HGET', KEYS[i + 4], 'accepted')
  if accepted and not redis.call('ZSCORE', KEYS[2], id)
    and tonumber(redis.call('ZSCORE', KEYS[3], id) or 0) <= now then
    redis.call('ZREM', KEYS[1], id)
    redis.call('ZREM', KEYS[3], id)
    redis.call('ZADD', KEYS[4], accepted, id)
    note('parked', 'd', id, 'f', '{"by":"turn"}')
    count = count + 1
  end
end
return count
