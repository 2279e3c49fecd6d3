-- Raise the alarms of limits that are reached, and end those that are back under nine tenths of
-- theirs. Of several processes that look at once, one is told.
--
-- KEYS 1            hash   alarms                   limit's name -> since when it is crossed
-- ARGV 3i-2 .. 3i   the limit's name, the number, the limit (0 for none)
-- Returns {i, 1, '0'} for each that was raised, {i, 0, seconds that it lasted} for each that is over
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local answers = {}
for i = 1, #ARGV / 3 do
  local name, number, limit = ARGV[3 * i - 2], tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i])
  local since = redis.call('HGET', KEYS[1], name)
  if not since and limit > 0 and number >= limit then
    redis.call('HSET', KEYS[1], name, string.format('%.6f', now))
    answers[#answers + 1] = {i, 1, '0'}
  elseif since and (limit == 0 or number < 0.9 * limit) then
    redis.call('HDEL', KEYS[1], name)
    answers[#answers + 1] = {i, 0, string.format('%.6f', now - since)}
  end
end
return answers
