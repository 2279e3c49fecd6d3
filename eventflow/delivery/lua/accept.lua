-- Accept a list of events: each is remembered by its id, kept, and queued for routing in the lane of
-- its source and type, or is a duplicate. Idempotent: the id decides.
--
-- KEYS 1            zset   queued:eventflow.route   event id -> since when
-- KEYS 2            list   lanes: those that have an event, in turn
-- KEYS 3            hash   counts:eventflow.route   registered, before
-- KEYS 3i+1 .. 3i+3 hash   event:<id>               state, accepted, left, attempts, lane
--                   string body:<id>                the event as JSON
--                   list   lane:<lane>              ids of events that wait for a router
-- ARGV 1            the most events that may wait to be routed; 0 for any number
-- ARGV 3i-1 .. 3i+1 the event's id, its JSON, its lane
-- Returns per event: 1 new, 2 known and not yet routed (its message may be lost), 0 known and
--                    routed, 3 refused, since as many wait as may
--# include journal
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local most = tonumber(ARGV[1])
local room = most > 0 and most - redis.call('ZCARD', KEYS[1]) or math.huge
local answers = {}
local new = 0
for i = 1, (#ARGV - 1) / 3 do
  local event, body, waiting = KEYS[3 * i + 1], KEYS[3 * i + 2], KEYS[3 * i + 3]
  local id, text, lane = ARGV[3 * i - 1], ARGV[3 * i], ARGV[3 * i + 1]
  local state = redis.call('HGET', event, 'state')
  if state then
    note('duplicate', 'e', id)
  end
  if state == 'accepted' then
    answers[i] = 2
  elseif state then
    answers[i] = 0
  elseif room <= 0 then
    answers[i] = 3
  else
    room = room - 1
    new = new + 1
    redis.call('HSET', event, 'state', 'accepted', 'accepted', now, 'lane', lane)
    redis.call('SET', body, text)
    redis.call('ZADD', KEYS[1], now, id)
    if redis.call('RPUSH', waiting, id) == 1 then
      redis.call('RPUSH', KEYS[2], lane)
    end
    note('accepted', 'e', id, 'a', lane)
    answers[i] = 1
  end
end
if new > 0 and redis.call('HINCRBY', KEYS[3], 'registered', new) == new
  and redis.call('HLEN', KEYS[3]) == 1 and redis.call('ZCARD', KEYS[1]) == new then
  redis.call('HSET', KEYS[3], 'before', 0) -- the very first (shared/registering.lua)
end
return answers
