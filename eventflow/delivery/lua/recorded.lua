-- Forget dead letters that are safely in the store, unless they have died again meanwhile.
--
-- KEYS 1, 2         hash   dead-letters             id -> the dead letter as JSON
--                   zset   queued:eventflow.dead-letters
-- KEYS 3            hash   counts:eventflow.dead-letters   delivered
-- ARGV 2i-1, 2i     its id, the dead letter as it was stored
-- Returns how many of them were not forgotten before
local count = 0
for i = 1, #ARGV, 2 do
  local kept = redis.call('HGET', KEYS[1], ARGV[i])
  if kept == false or kept == ARGV[i + 1] then
    redis.call('HDEL', KEYS[1], ARGV[i])
    count = count + redis.call('ZREM', KEYS[2], ARGV[i])
  end
end
redis.call('HINCRBY', KEYS[3], 'delivered', count)
return count
