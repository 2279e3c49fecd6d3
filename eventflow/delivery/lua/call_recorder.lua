-- Decide whether the recorder is to be sent a message: entries of the journal wait and no message is
-- under way; or none was for long, so that what is too old in the store is forgotten all the same.
-- And tell of entries that were dropped: each once, of any number of processes that ask.
--
-- KEYS 1, 2         stream journal, hash counts:eventflow.journal (until, called, dropped, told,
--                   told_at)
-- ARGV 1..3         seconds until a message that was not answered counts as lost, seconds without
--                   one, seconds between two tellings
-- Returns {0 no, 1 yes, 2 yes and the last message was not answered; entries dropped, and not told
-- of yet}
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local kept = redis.call('HMGET', KEYS[2], 'until', 'called', 'dropped', 'told', 'told_at')
local untold = tonumber(kept[3] or 0) - tonumber(kept[4] or 0)
if untold > 0 and now - tonumber(kept[5] or 0) >= tonumber(ARGV[3]) then
  redis.call('HSET', KEYS[2], 'told', kept[3], 'told_at', now)
else
  untold = 0
end
if kept[1] and tonumber(kept[1]) > now then
  return {0, untold}
end
if redis.call('XLEN', KEYS[1]) == 0 and now - tonumber(kept[2] or 0) < tonumber(ARGV[2]) then
  return {0, untold}
end
redis.call('HSET', KEYS[2], 'until', now + tonumber(ARGV[1]), 'called', now)
return {kept[1] and 2 or 1, untold}
