-- Have dead letters that wait for the store and are on no list recorded, and forget entries of which
-- there is no letter: someone took one or the other.
--
-- KEYS 1, 2         hash   dead-letters             id -> the dead letter as JSON
--                   zset   queued:eventflow.dead-letters
-- ARGV i            the letter's id
-- Returns the ids that are queued now
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local ids = {}
for _, id in ipairs(ARGV) do
  if redis.call('HEXISTS', KEYS[1], id) == 0 then
    redis.call('ZREM', KEYS[2], id)
  elseif not redis.call('ZSCORE', KEYS[2], id) then
    redis.call('ZADD', KEYS[2], now, id)
    ids[#ids + 1] = id
  end
end
return ids
