-- Take back what a process had claimed when it ended: its lease need not run out first.
--
-- KEYS 1, 2         zset   running:<target>, waiting:<target>
-- KEYS i+2          hash   delivery:<id>      owner, crashes, attempts, failed, error type, error
-- ARGV 1..3         what the name of the owner that has ended begins with, seconds until they are due
--                   again, how it ended
-- ARGV i+3          the delivery's id
-- Returns the ids that it had
--# include journal
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local ids = {}
for i = 4, #ARGV do
  local id, delivery = ARGV[i], KEYS[i - 1]
  local owner = redis.call('HGET', delivery, 'owner') or ''
  if redis.call('ZSCORE', KEYS[1], id) and string.sub(owner, 1, #ARGV[1]) == ARGV[1] then
    redis.call('ZREM', KEYS[1], id)
    redis.call('ZADD', KEYS[2], now + tonumber(ARGV[2]), id)
    redis.call('HINCRBY', delivery, 'crashes', 1)
    redis.call('HSET', delivery, 'failed', redis.call('HGET', delivery, 'attempts'),
      'error_type', 'WorkerLost', 'error', ARGV[3])
    note('lost', 'd', id, 'u', now + tonumber(ARGV[2]), 'x', ARGV[3], 'f', '{"why":"worker"}')
    ids[#ids + 1] = id
  end
end
return ids
