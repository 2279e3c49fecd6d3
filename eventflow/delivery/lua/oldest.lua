-- Tell for how long the oldest entry of each queue has been there, and how far claims have come.
--
-- KEYS 2i-1, 2i     zset   queued:<name>, hash counts:<name> (head)      for each name
-- Returns per name: {seconds, seconds that the head is ahead of it}, or {} when nothing is queued
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local answers = {}
for i = 1, #KEYS / 2 do
  local first = redis.call('ZRANGE', KEYS[2 * i - 1], 0, 0, 'WITHSCORES')[2]
  answers[i] = {}
  if first then
    local head = tonumber(redis.call('HGET', KEYS[2 * i], 'head') or 0)
    answers[i] = {string.format('%.6f', now - first), string.format('%.6f', head - first)}
  end
end
return answers
