-- Take what has been queued for too long, so that its message can be sent again. Its place is
-- renewed in the same step: of two movers, one sends it.
--
-- KEYS 1, 2         zset   queued:<name>, hash counts:<name> (head)
-- ARGV 1            seconds that count as too long
-- ARGV 2            1: measured from now (the queue is empty); 0: from the head (claims passed it)
-- ARGV 3, 4         the most to take; what they are in the journal: e, d or '' (nothing)
-- Returns the ids
--# include journal
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local reference = now
if ARGV[2] == '0' then
  reference = math.min(now, tonumber(redis.call('HGET', KEYS[2], 'head') or 0))
end
local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', reference - ARGV[1], 'LIMIT', 0, ARGV[3])
for _, id in ipairs(ids) do
  redis.call('ZADD', KEYS[1], now, id)
  if ARGV[4] ~= '' then
    note('queued', ARGV[4], id, 'f', '{"why":"sent again"}')
  end
end
return ids
