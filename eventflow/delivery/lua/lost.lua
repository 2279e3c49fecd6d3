-- Take back what a process had claimed when it ended: its lease need not run out first.
--
-- KEYS 1..3         zset   running:<target>, waiting:<target>, queued:<target>
-- ARGV 1..3         what the name of the owner that has ended begins with, seconds until they are due
--                   again, how it ended
-- ARGV 4            the beginning of the keys delivery:<id>: which it had is not known before
-- Returns the ids that it had begun; what it had only reserved is queued again, and counts nothing
--# include journal
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local ids = {}
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local delivery = ARGV[4] .. id
  local kept = redis.call('HMGET', delivery, 'owner', 'ahead', 'attempts')
  if string.sub(kept[1] or '', 1, #ARGV[1]) == ARGV[1] then
    redis.call('ZREM', KEYS[1], id)
    if kept[2] == '1' then
      redis.call('HDEL', delivery, 'ahead')
      redis.call('ZADD', KEYS[3], now, id)
      note('queued', 'd', id, 'f', '{"why":"sent again"}')
    else
      redis.call('ZADD', KEYS[2], now + tonumber(ARGV[2]), id)
      redis.call('HINCRBY', delivery, 'crashes', 1)
      redis.call('HSET', delivery, 'failed', kept[3], 'error_type', 'WorkerLost', 'error', ARGV[3])
      note('lost', 'd', id, 'u', now + tonumber(ARGV[2]), 'x', ARGV[3], 'f', '{"why":"worker"}')
      ids[#ids + 1] = id
    end
  end
end
return ids
