-- Queue again those of the events that are not routed and nowhere: someone took them out of their place.
--
-- KEYS 1, 2         zset   queued:eventflow.route, running:eventflow.route
-- KEYS 3            list   lanes
-- KEYS i+3          hash   event:<id>
-- ARGV 1            the beginning of the bus's keys: which lane:<lane> is touched is not known before
-- ARGV i+1          the event's id
-- Returns the ids that are queued now
--# include journal
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local ids = {}
for i = 2, #ARGV do
  local facts = redis.call('HMGET', KEYS[i + 2], 'state', 'lane')
  if facts[1] == 'accepted' and not redis.call('ZSCORE', KEYS[1], ARGV[i])
    and not redis.call('ZSCORE', KEYS[2], ARGV[i]) then
    redis.call('ZADD', KEYS[1], now, ARGV[i])
    note('queued', 'e', ARGV[i], 'f', '{"why":"restored"}')
    local lane = facts[2] or ''
    if redis.call('RPUSH', ARGV[1] .. 'lane:' .. lane, ARGV[i]) == 1 then
      redis.call('RPUSH', KEYS[3], lane)
    end
    ids[#ids + 1] = ARGV[i]
  end
end
return ids
