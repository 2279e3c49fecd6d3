-- Take back events whose router's lease has ended without their being routed: it is gone.
--
-- KEYS 1, 2         zset   running:eventflow.route, queued:eventflow.route
-- KEYS 3            list   lanes
-- ARGV 1, 2         the beginning of the bus's keys (which event:<id> and lane:<lane> are touched is
--                   not known before), the most to take
-- Returns the ids that are to be routed again
--# include journal
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local prefix = ARGV[1]
local ids = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[2])) do
  redis.call('ZREM', KEYS[1], id)
  local facts = redis.call('HMGET', prefix .. 'event:' .. id, 'state', 'lane')
  if facts[1] == 'accepted' then
    redis.call('ZADD', KEYS[2], now, id)
    local lane = facts[2] or ''
    if redis.call('RPUSH', prefix .. 'lane:' .. lane, id) == 1 then
      redis.call('RPUSH', KEYS[3], lane)
    end
    note('lost', 'e', id, 'f', '{"why":"router"}')
    ids[#ids + 1] = id
  end
end
return ids
