-- Resume a target that is paused.
--
-- KEYS 1            hash   pause:<target>
-- Returns 1, or 0 when it was not paused
--# include pauses
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local total, is_paused = pause_of(KEYS[1], now)
if not is_paused then
  return 0
end
redis.call('HSET', KEYS[1], 'total', total)
redis.call('HDEL', KEYS[1], 'since', 'by', 'reason')
return 1
