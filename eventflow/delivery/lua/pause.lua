-- Pause a target, until it is resumed by hand. One that is paused already stays as it is.
--
-- KEYS 1            hash   pause:<target>
-- ARGV 1, 2         who pauses it, and why
-- Returns 1, or 0 when it was paused already
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
if redis.call('HSETNX', KEYS[1], 'since', now) == 0 then
  return 0
end
redis.call('HSET', KEYS[1], 'by', ARGV[1], 'reason', ARGV[2])
return 1
