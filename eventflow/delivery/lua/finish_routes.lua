-- Route a list of events, each on its own: it is done and all its deliveries are registered, or
-- neither. What cannot be delivered at all (a fault in its input, an event that cannot be routed) is
-- a dead letter at once.
--
-- KEYS 1, 2         zset   queued:eventflow.route, running:eventflow.route
-- KEYS 3, 4         hash   dead-letters, zset queued:eventflow.dead-letters
-- KEYS 5, 6         hash   counts:eventflow.route        delivered, registered, dead
--                   hash   counts:eventflow.dead-letters   registered
-- KEYS i+6          list   the broker's, of messages to the i-th of those targets that have one below
-- ARGV 1..3         the beginning of the bus's keys (which event:<id>, body:<id>, delivery:<id>,
--                   queued:<target>, counts:<target> and pause:<target> are touched follows from the
--                   rest), seconds to remember an event, the number of targets
-- then 3 each       a target's name; after how many seconds a message to its queue counts as lost, ''
--                   where each delivery is to have one; a message as it lies on the broker's list, ''
--                   where the list is not on this server
-- then per event    its id and type, facts of the match for the journal ('' when it was not matched),
--                   the number of its deliveries and of its dead letters
--   per delivery    the target's number, its id, its rules as JSON, its input as JSON or '', the
--                   traceparent of the routing or ''
--   per dead letter the name that it is counted under, its id, the dead letter as JSON; for the
--                   journal: error type, error, facts
-- Returns {per event: 1, or 0 when it was routed before}, {per target: 1 when its queue is to be
-- sent a message, and was not by this}
--# include journal
--# include lists
--# include pauses
--# include registering
--# include calls
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local prefix, window, number = ARGV[1], ARGV[2], tonumber(ARGV[3])
local at = 4
local targets, lists = {}, 6
for i = 1, number do
  local name, message = ARGV[at], ARGV[at + 2]
  targets[i] = {name = name, patience = tonumber(ARGV[at + 1]), message = message, ids = {},
    paused = pause_of(prefix .. 'pause:' .. name, now)}
  if message ~= '' then
    lists = lists + 1
    targets[i].list = KEYS[lists]
  end
  at = at + 3
end

local function add(fields, name, value)
  fields[#fields + 1] = name
  fields[#fields + 1] = value
end

local function deliver(first, kind, accepted)
  local target, id, rules = targets[tonumber(ARGV[first])], ARGV[first + 1], ARGV[first + 2]
  local fields = {'attempts', 0, 'type', kind, 'rules', rules, 'accepted', accepted}
  if ARGV[first + 3] ~= '' then
    add(fields, 'input', ARGV[first + 3])
  end
  if ARGV[first + 4] ~= '' then
    add(fields, 'trace', ARGV[first + 4])
  end
  if target.paused > 0 then
    add(fields, 'paused', target.paused)
  end
  redis.call('HSET', prefix .. 'delivery:' .. id, unpack(fields))
  target.ids[#target.ids + 1] = id
end

local function bury(first)
  local id, counts = ARGV[first + 1], prefix .. 'counts:' .. ARGV[first]
  redis.call('HSET', KEYS[3], id, ARGV[first + 2])
  redis.call('HINCRBY', KEYS[6], 'registered', redis.call('ZADD', KEYS[4], now, id))
  redis.call('HINCRBY', counts, 'registered', 1)
  redis.call('HINCRBY', counts, 'dead', 1)
  note('unroutable', 'd', id, 'k', ARGV[first + 3], 'x', ARGV[first + 4], 'f', ARGV[first + 5])
end

local answers, calls, ids, routed = {}, {}, {}, 0
while at <= #ARGV do
  local id, kind, matched = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local deliveries, letters = tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4])
  local event = prefix .. 'event:' .. id
  local facts = redis.call('HMGET', event, 'state', 'accepted')
  at = at + 5
  if facts[1] == 'accepted' then
    for i = 0, deliveries - 1 do
      deliver(at + 5 * i, kind, facts[2])
    end
    if matched ~= '' then
      note('matched', 'e', id, 'f', matched)
    end
    for i = 0, letters - 1 do
      bury(at + 5 * deliveries + 6 * i)
    end
    redis.call('HSET', event, 'state', 'routed', 'left', deliveries)
    redis.call('HDEL', event, 'lane')
    routed = routed + 1
    if deliveries == 0 then
      redis.call('DEL', prefix .. 'body:' .. id)
      redis.call('EXPIRE', event, window)
    end
  end
  ids[#ids + 1] = id
  answers[#answers + 1] = facts[1] == 'accepted' and 1 or 0
  at = at + 5 * deliveries + 6 * letters
end
with_all('ZREM', KEYS[1], ids)
with_all('ZREM', KEYS[2], ids)
if routed > 0 then
  redis.call('HINCRBY', KEYS[5], 'delivered', routed)
end
for i, target in ipairs(targets) do
  calls[i] = 0
  if #target.ids > 0 then
    local counts = prefix .. 'counts:' .. target.name
    register(target.ids, prefix .. 'queued:' .. target.name, counts, now)
    calls[i] = target.patience and call(counts, now, target.patience) or 1
    if calls[i] == 1 and target.list then
      redis.call('LPUSH', target.list, target.message)
      calls[i] = 0
    end
  end
end
return {answers, calls}
