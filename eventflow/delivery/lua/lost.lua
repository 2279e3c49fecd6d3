-- Take back what a process had claimed when it ended: its lease need not run out first.
--
-- KEYS 1..3         zset   running:<target>, waiting:<target>, queued:<target>
-- ARGV 1..3         what the name of the owner that has ended begins with, seconds until they are due
--                   again, how it ended
-- ARGV 4..6         the beginning of the bus's keys, the target's name, seconds to remember an event:
--                   which delivery:<id>, told:<target>:<owner> and more are touched is not known before
-- Returns the ids that it had begun; what it had only reserved is queued again, and counts nothing
--# include journal
--# include lists
--# include successes
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local prefix, name, window = ARGV[4], ARGV[5], ARGV[6]
local ids = {}

local function facts_of(id)
  return redis.call('HMGET', prefix .. 'delivery:' .. id, 'owner', 'ahead', 'attempts')
end

for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local delivery, kept = prefix .. 'delivery:' .. id, facts_of(id)
  local is_its = string.sub(kept[1] or '', 1, #ARGV[1]) == ARGV[1]
  if is_its and record_told(prefix, name, kept[1], window, now) then
    kept = facts_of(id)
  end
  if is_its and kept[1] then
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
