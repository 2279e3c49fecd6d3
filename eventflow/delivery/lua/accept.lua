-- Accept a list of events: each is remembered by its id, kept, and queued for routing in the lane of
-- its source and type, or is a duplicate. Idempotent: the id decides. Where something waits to be
-- routed and no message is on its way to a router, one is put on the broker's list, or asked for.
--
-- KEYS 1            zset   queued:eventflow.route   event id -> since when
-- KEYS 2            list   lanes: those that have an event, in turn
-- KEYS 3            hash   counts:eventflow.route   registered, before, called
-- KEYS 4            list   eventflow.route          the broker's, of messages to routers; only where
--                                                   there is one in ARGV
-- ARGV 1            the beginning of the bus's keys: event:<id> (state, accepted, left, attempts,
--                   lane), body:<id> (its JSON) and lane:<lane> (ids that wait for a router) follow
-- ARGV 2            the most events that may wait to be routed; 0 for any number
-- ARGV 3            seconds after which a message that no router has taken counts as lost
-- ARGV 4            the message that calls a router, as it lies on that list; '' where the list is not
--                   on this server
-- then, per event   its id, its JSON, its lane
-- Returns 1 where a message is to be sent, and was not by this; then
-- per event: 1 new, 2 known and not yet routed (its message may be lost), 0 known and
--            routed, 3 refused, since as many wait as may
--# include journal
--# include calls
--# include lists
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local now_text = string.format('%.6f', now)
local prefix, most, message = ARGV[1], tonumber(ARGV[2]), ARGV[4]
local room = most > 0 and most - redis.call('ZCARD', KEYS[1]) or math.huge
local answers, queued, lanes, waiting = {0}, {}, {}, {}
local new, known = 0, 0

local function keep(id, event, text, lane)
  redis.call('HSET', event, 'state', 'accepted', 'accepted', now_text, 'lane', lane)
  redis.call('SET', prefix .. 'body:' .. id, text)
  queued[#queued + 1] = id
  if not waiting[lane] then
    waiting[lane] = {}
    lanes[#lanes + 1] = lane
  end
  table.insert(waiting[lane], id)
  note('accepted', 'e', id, 'a', lane)
end

for i = 5, #ARGV, 3 do
  local id, answer = ARGV[i], 1
  local event = prefix .. 'event:' .. id
  local state = redis.call('HGET', event, 'state')
  if state then
    note('duplicate', 'e', id)
    answer = state == 'accepted' and 2 or 0
    known = known + answer
  elseif room <= 0 then
    answer = 3
  else
    room = room - 1
    new = new + 1
    keep(id, event, ARGV[i + 1], ARGV[i + 2])
  end
  answers[#answers + 1] = answer
end
if new > 0 then
  with_all('ZADD', KEYS[1], scored(now_text, queued))
  for _, lane in ipairs(lanes) do
    local ids = waiting[lane]
    if with_all('RPUSH', prefix .. 'lane:' .. lane, ids) == #ids then
      redis.call('RPUSH', KEYS[2], lane)
    end
  end
  if redis.call('HINCRBY', KEYS[3], 'registered', new) == new
    and redis.call('HLEN', KEYS[3]) == 1 and redis.call('ZCARD', KEYS[1]) == new then
    redis.call('HSET', KEYS[3], 'before', 0) -- the very first (shared/registering.lua)
  end
end
if new + known > 0 and call(KEYS[3], now, tonumber(ARGV[3])) == 1 then
  if message == '' then
    answers[1] = 1
  else
    redis.call('LPUSH', KEYS[4], message)
  end
end
return answers
