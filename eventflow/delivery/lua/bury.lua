-- Keep dead letters that belong to no delivery (a message that nobody can read) for the recorder.
--
-- KEYS 1, 2         hash   dead-letters             id -> the dead letter as JSON
--                   zset   queued:eventflow.dead-letters
-- KEYS 3            hash   counts:eventflow.dead-letters   registered
-- ARGV 2i-1, 2i     its id, the dead letter as JSON
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
for i = 1, #ARGV, 2 do
  redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  redis.call('HINCRBY', KEYS[3], 'registered', redis.call('ZADD', KEYS[2], now, ARGV[i]))
end
return #ARGV / 2
