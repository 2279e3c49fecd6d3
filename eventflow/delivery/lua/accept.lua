-- Accept a list of events: each is remembered by its id, kept, and queued for routing in the lane of
-- its source and type, or is a duplicate. Idempotent: the id decides.
--
-- KEYS 1            zset   queued:eventflow.route   event id -> since when
-- KEYS 2            list   lanes: those that have an event, in turn
-- KEYS 3            hash   counts:eventflow.route   registered, before, called
-- KEYS 4            list   eventflow.route          the broker's, of messages to routers; only where
--                                                   there is one in ARGV
-- then, per event   hash   event:<id>               state, accepted, left, attempts, lane
--                   string body:<id>                the event as JSON
--                   list   lane:<lane>              ids of events that wait for a router
-- ARGV 1            the most events that may wait to be routed; 0 for any number
-- ARGV 2            seconds after which a message that no router has taken counts as lost
-- ARGV 3            the message that calls a router, as it lies on that list; '' where the list is not
--                   on this server
-- then, per event   its id, its JSON, its lane
-- Returns 1 where a message is to be sent, and was not by this; then
-- per event: 1 new, 2 known and not yet routed (its message may be lost), 0 known and
--            routed, 3 refused, since as many wait as may
--# include journal
--# include calls
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local most = tonumber(ARGV[1])
local room = most > 0 and most - redis.call('ZCARD', KEYS[1]) or math.huge
local message = ARGV[3]
local key, argument = message == '' and 3 or 4, 3 -- what comes before the first event's
local answers = {0}
local new, known = 0, 0
for i = 1, (#ARGV - argument) / 3 do
  local event, body, waiting = KEYS[key + 1], KEYS[key + 2], KEYS[key + 3]
  local id, text, lane = ARGV[argument + 1], ARGV[argument + 2], ARGV[argument + 3]
  local state = redis.call('HGET', event, 'state')
  if state then
    note('duplicate', 'e', id)
  end
  if state == 'accepted' then
    answers[i + 1] = 2
    known = known + 1
  elseif state then
    answers[i + 1] = 0
  elseif room <= 0 then
    answers[i + 1] = 3
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
    answers[i + 1] = 1
  end
  key, argument = key + 3, argument + 3
end
if new > 0 and redis.call('HINCRBY', KEYS[3], 'registered', new) == new
  and redis.call('HLEN', KEYS[3]) == 1 and redis.call('ZCARD', KEYS[1]) == new then
  redis.call('HSET', KEYS[3], 'before', 0) -- the very first (shared/registering.lua)
end
if new + known > 0 and call(KEYS[3], now, tonumber(ARGV[2])) == 1 then
  if message == '' then
    answers[1] = 1
  else
    redis.call('LPUSH', KEYS[4], message)
  end
end
return answers
