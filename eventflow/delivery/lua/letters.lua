-- Give dead letters that are still to be recorded: those that are named, and with them others that came
-- just now. One that ends its recorder is not just now for long, so it does not take others along for
-- ever; and where all that are named were written along before, there is no need for more.
--
-- KEYS 1, 2         hash   dead-letters             id -> the dead letter as JSON
--                   zset   queued:eventflow.dead-letters   id -> since when
-- ARGV 1, 2         how many others at most, how many seconds ago they came at most
-- ARGV i+2          the ids of those that are named
-- Returns their ids, each followed by the dead letter
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local answer, is_there = {}, {}

local function add(ids)
  for i, text in ipairs(#ids > 0 and redis.call('HMGET', KEYS[1], unpack(ids)) or ids) do
    if text and not is_there[ids[i]] then
      answer[#answer + 1], is_there[ids[i]] = ids[i], true
      answer[#answer + 1] = text
    end
  end
end

add({unpack(ARGV, 3)})
if #answer > 0 then
  add(redis.call('ZRANGE', KEYS[2], '+inf', now - tonumber(ARGV[2]), 'BYSCORE', 'REV', 'LIMIT', 0, ARGV[1]))
end
return answer
