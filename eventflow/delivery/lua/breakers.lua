-- Tell the state of each target's circuit breaker.
--
-- KEYS i            hash   breaker:<target>
-- Returns per target: state now, since, until, calls, failed, error, reason
--# include limits
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local answers = {}
for i = 1, #KEYS do
  local kept = redis.call('HMGET', KEYS[i], 'since', 'until', 'calls', 'failed', 'error', 'reason')
  for field = 1, 6 do
    kept[field] = kept[field] or ''
  end
  table.insert(kept, 1, (breaker_of(KEYS[i], now)))
  answers[i] = kept
end
return answers
