-- Decide whether the recorder is to be sent a message: entries of the journal wait and no message is
-- under way. And tell of entries that were dropped: each once, of any number of processes that ask.
--
-- KEYS 1, 2         stream journal, hash counts:eventflow.journal (until, dropped, told, told_at)
-- ARGV 1, 2         seconds until a message that was not answered counts as lost, seconds between
--                   two tellings
-- Returns {0 no, 1 yes, 2 yes and the last message was not answered; entries dropped, and not told
-- of yet}
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local kept = redis.call('HMGET', KEYS[2], 'until', 'dropped', 'told', 'told_at')
local untold = tonumber(kept[2] or 0) - tonumber(kept[3] or 0)
if untold > 0 and now - tonumber(kept[4] or 0) >= tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[2], 'told', kept[2], 'told_at', now)
else
  untold = 0
end
if kept[1] and tonumber(kept[1]) > now then
  return {0, untold}
end
if redis.call('XLEN', KEYS[1]) == 0 then
  return {0, untold}
end
redis.call('HSET', KEYS[2], 'until', now + tonumber(ARGV[1]))
return {kept[1] and 2 or 1, untold}
