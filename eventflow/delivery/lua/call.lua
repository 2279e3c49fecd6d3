-- Decide whether a queue is to be sent a message: something is queued, and none is on its way.
--
-- KEYS 1, 2         zset   queued:<name>, hash counts:<name> (called)
-- ARGV 1            seconds after which a message that nobody has taken counts as lost
-- Returns 1 when it is; then it counts as sent
--# include calls
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local patience = tonumber(ARGV[1])
if redis.call('ZCARD', KEYS[1]) > 0 then
  return call(KEYS[2], now, patience)
end
-- Nothing is to be sent now. If none is on its way either, who queues something next must send one,
-- and not wait for the one that was last sent: who asks may have taken it, and do nothing more.
if not is_on_its_way(KEYS[2], now, patience) then
  redis.call('HDEL', KEYS[2], 'called')
end
return 0
