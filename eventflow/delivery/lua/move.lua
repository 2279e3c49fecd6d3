-- Put back on their queues what is due: retries whose time has come, and deliveries whose lease has
-- ended because their worker is gone. Any number of movers may run this.
--
-- KEYS 3i-2 .. 3i   zset   queued:<target>, running:<target>, waiting:<target>     for each target
-- ARGV 1            the most to move for one target
-- Returns {seconds until the next is due or '', {target's number, kind, id} ...}, kind lost or due
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local nearest = nil
local answers = {''}
for i = 1, #KEYS / 3 do
  local queued = KEYS[3 * i - 2]
  for offset, kind in ipairs({'lost', 'due'}) do
    local source = KEYS[3 * i - 2 + offset]
    local ids = redis.call('ZRANGEBYSCORE', source, '-inf', now, 'LIMIT', 0, ARGV[1])
    for _, id in ipairs(ids) do
      redis.call('ZREM', source, id)
      redis.call('ZADD', queued, now, id)
      answers[#answers + 1] = {i, kind, id}
    end
    local first = redis.call('ZRANGE', source, 0, 0, 'WITHSCORES')[2]
    if first and (nearest == nil or tonumber(first) < nearest) then
      nearest = tonumber(first)
    end
  end
end
if nearest then
  answers[1] = string.format('%.6f', math.max(0, nearest - now))
end
return answers
