-- Note that rules have matched just now, and events that none has.
--
-- KEYS 1            hash   matches: rule -> when it last matched, or since when it is there
-- KEYS 2            hash   unmatched: source|type -> "number when", and rules -> fingerprint
-- ARGV 1..3         the rules' fingerprint, the most kinds that are remembered, the number of rules
-- then 1 each       a rule that matched
-- then 2 each       source|type of events that no rule matched, their number
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local fingerprint, most, rules = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
for i = 4, 3 + rules do
  redis.call('HSET', KEYS[1], ARGV[i], now)
end
if #ARGV == 3 + rules then
  return
end
if redis.call('HGET', KEYS[2], 'rules') ~= fingerprint then
  redis.call('DEL', KEYS[2])
  redis.call('HSET', KEYS[2], 'rules', fingerprint)
end
local room = most + 1 - redis.call('HLEN', KEYS[2])
for i = 4 + rules, #ARGV, 2 do
  local before = redis.call('HGET', KEYS[2], ARGV[i])
  if before or room > 0 then
    room = before and room or room - 1
    local number = (before and tonumber(string.match(before, '^%d+')) or 0) + ARGV[i + 1]
    redis.call('HSET', KEYS[2], ARGV[i], string.format('%d %.6f', number, now))
  end
end
