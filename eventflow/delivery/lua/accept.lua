-- Accept a list of events: each is remembered by its id, kept, and queued for routing, or is a
-- duplicate. Idempotent: the id decides.
--
-- KEYS 1            zset   queued:eventflow.route   event id -> since when
-- KEYS 2i, 2i+1     hash   event:<id>               state, accepted, left, attempts
--                   string body:<id>                the event as JSON
-- ARGV 2i-1, 2i     the event's id, its JSON
-- Returns per event: 1 new, 2 known and not yet routed (its message may be lost), 0 known and routed
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local answers = {}
for i = 1, #ARGV / 2 do
  local event, body = KEYS[2 * i], KEYS[2 * i + 1]
  local state = redis.call('HGET', event, 'state')
  if state == 'accepted' then
    answers[i] = 2
  elseif state then
    answers[i] = 0
  else
    redis.call('HSET', event, 'state', 'accepted', 'accepted', now)
    redis.call('SET', body, ARGV[2 * i])
    redis.call('ZADD', KEYS[1], now, ARGV[2 * i - 1])
    answers[i] = 1
  end
end
return answers
