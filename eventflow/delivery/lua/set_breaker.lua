-- Open or close a target's circuit breaker by hand; what it has counted is forgotten.
--
-- KEYS 1            hash   breaker:<target>
-- ARGV 1            open or closed
-- ARGV 2, 3         seconds that it stays open, '' until it is closed by hand; the person's reason
-- Returns the state before
--# include limits
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local before = breaker_of(KEYS[1], now)
redis.call('DEL', KEYS[1])
local ends = ''
if ARGV[2] ~= '' then
  ends = now + tonumber(ARGV[2])
end
redis.call('HSET', KEYS[1], 'state', ARGV[1], 'since', now, 'until', ends, 'reason', ARGV[3])
return before
