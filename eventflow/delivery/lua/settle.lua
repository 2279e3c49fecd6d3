-- Take a target's balance as it is for right, once a person knows what became of the difference.
--
-- KEYS 1..4         zset   queued:<target>, running:<target>, waiting:<target>, parked:<target>
-- KEYS 5            hash   counts:<target>     registered, before, delivered, dead, vanished
-- Returns the difference that there was
local here = 0
for place = 1, 4 do
  here = here + redis.call('ZCARD', KEYS[place])
end
local kept = redis.call('HMGET', KEYS[5], 'registered', 'before', 'delivered', 'dead')
local found = here + tonumber(kept[3] or 0) + tonumber(kept[4] or 0)
local before = found - tonumber(kept[1] or 0)
redis.call('HSET', KEYS[5], 'before', string.format('%d', before))
redis.call('HDEL', KEYS[5], 'vanished')
return tonumber(kept[2] or before) - before
