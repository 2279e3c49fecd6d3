-- Hand a list of events to a router. An attempt is counted, so that an event which kills its router
-- does so a bounded number of times; its place in the queue is renewed, so that the mover waits.
--
-- KEYS 1            zset   queued:eventflow.route   event id -> since when
-- KEYS 2            hash   counts:eventflow.route   head
-- KEYS 2i+1, 2i+2   hash   event:<id>, string body:<id>
-- ARGV i            the event's id
-- Returns per event: {} when it is routed already, else {body, accepted, attempts}
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local answers = {}
local head = tonumber(redis.call('HGET', KEYS[2], 'head') or 0)
for i = 1, #ARGV do
  local event, body = KEYS[2 * i + 1], KEYS[2 * i + 2]
  answers[i] = {}
  if redis.call('HGET', event, 'state') == 'accepted' then
    local attempts = redis.call('HINCRBY', event, 'attempts', 1)
    head = math.max(head, tonumber(redis.call('ZSCORE', KEYS[1], ARGV[i]) or 0))
    redis.call('ZADD', KEYS[1], now, ARGV[i])
    answers[i] = {redis.call('GET', body), redis.call('HGET', event, 'accepted'), attempts}
  end
end
redis.call('HSET', KEYS[2], 'head', head)
return answers
