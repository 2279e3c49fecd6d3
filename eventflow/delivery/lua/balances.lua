-- Count, for each target, what was registered and where it is now: all in one moment.
--
-- KEYS 5i-4 .. 5i   zset   queued:<target>, running:<target>, waiting:<target>, parked:<target>
--                   hash   counts:<target>     registered, before, delivered, dead, vanished
-- Returns per target: queued, running, waiting, parked, registered, delivered, dead, vanished
--
-- A target that has no `before` was counted by nobody so far: what is there now is taken for right.
local answers = {}
for i = 1, #KEYS / 5 do
  local answer, here = {}, 0
  for place = 1, 4 do
    answer[place] = redis.call('ZCARD', KEYS[5 * i - 5 + place])
    here = here + answer[place]
  end
  local counts = KEYS[5 * i]
  local kept = redis.call('HMGET', counts, 'registered', 'before', 'delivered', 'dead', 'vanished')
  local registered, delivered = tonumber(kept[1] or 0), tonumber(kept[3] or 0)
  local dead, before = tonumber(kept[4] or 0), tonumber(kept[2])
  if not before then
    before = here + delivered + dead - registered
    redis.call('HSET', counts, 'before', string.format('%d', before))
  end
  answer[5], answer[6], answer[7] = registered + before, delivered, dead
  answer[8] = tonumber(kept[5] or 0)
  answers[i] = answer
end
return answers
