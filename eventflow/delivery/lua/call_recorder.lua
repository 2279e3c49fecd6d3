-- Decide whether the recorder is to be sent a message: entries of the journal wait and no message is
-- under way; or none was for long, so that what is too old in the store is forgotten all the same.
--
-- KEYS 1, 2         stream journal, hash counts:eventflow.journal (until, called)
-- ARGV 1, 2         seconds until a message that was not answered counts as lost, seconds without one
-- Returns 0 no, 1 yes, 2 yes, and the last message was not answered
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local kept = redis.call('HMGET', KEYS[2], 'until', 'called')
if kept[1] and tonumber(kept[1]) > now then
  return 0
end
if redis.call('XLEN', KEYS[1]) == 0 and now - tonumber(kept[2] or 0) < tonumber(ARGV[2]) then
  return 0
end
redis.call('HSET', KEYS[2], 'until', now + tonumber(ARGV[1]), 'called', now)
return kept[1] and 2 or 1
