-- Decide whether a queue is to be sent a message: something is queued, and none is on its way.
--
-- KEYS 1, 2         zset   queued:<name>, hash counts:<name> (called)
-- ARGV 1            seconds after which a message that nobody has taken counts as lost
-- Returns 1 when it is; then it counts as sent
--# include calls
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
if redis.call('ZCARD', KEYS[1]) == 0 then
  return 0
end
return call(KEYS[2], now, tonumber(ARGV[1]))
