-- Route one event: it is done and all its deliveries are registered, or neither. What cannot be
-- delivered at all (a fault in its input, an event that cannot be routed) is a dead letter at once.
--
-- KEYS 1            hash   event:<id>               state, accepted, left, attempts
-- KEYS 2            string body:<id>
-- KEYS 3, 4         zset   queued:eventflow.route, running:eventflow.route
-- KEYS 5, 6         hash   dead-letters, zset queued:eventflow.dead-letters
-- KEYS 7, 8         hash   counts:eventflow.route   delivered, registered, dead
--                   hash   counts:eventflow.dead-letters   registered
-- KEYS 4i+5 .. 4i+8 hash   delivery:<id>, zset queued:<target>, hash counts:<target>,
--                   hash   pause:<target>                           for each delivery
-- KEYS then 1 each  hash   counts:<target>                          for each dead letter
-- ARGV 1..4         the event's id and type, seconds to remember it, the number of deliveries
-- then 4 each       the delivery's id, its rules as JSON, its input as JSON or '', the traceparent of
--                   the routing or ''
-- then 5 each       a dead letter's id, the dead letter as JSON; for the journal: error type, error,
--                   facts
-- last              facts of the match for the journal; '' when the event was not matched
-- Returns 1, or 0 when it was routed before
--# include journal
--# include pauses
--# include registering
local matched = table.remove(ARGV)
if redis.call('HGET', KEYS[1], 'state') ~= 'accepted' then
  redis.call('ZREM', KEYS[3], ARGV[1])
  redis.call('ZREM', KEYS[4], ARGV[1])
  return 0
end
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local deliveries = tonumber(ARGV[4])
local accepted = redis.call('HGET', KEYS[1], 'accepted')
for i = 1, deliveries do
  local delivery = KEYS[4 * i + 5]
  local id, rules, input, trace = ARGV[4 * i + 1], ARGV[4 * i + 2], ARGV[4 * i + 3], ARGV[4 * i + 4]
  redis.call('HSET', delivery, 'attempts', 0, 'type', ARGV[2], 'rules', rules, 'accepted', accepted)
  if input ~= '' then
    redis.call('HSET', delivery, 'input', input)
  end
  if trace ~= '' then
    redis.call('HSET', delivery, 'trace', trace)
  end
  register(id, delivery, KEYS[4 * i + 6], KEYS[4 * i + 7], KEYS[4 * i + 8], now)
end
if matched ~= '' then
  note('matched', 'e', ARGV[1], 'f', matched)
end
for i = 1, (#ARGV - 4 - 4 * deliveries) / 5 do
  local at = 4 * deliveries + 5 * i
  redis.call('HSET', KEYS[5], ARGV[at], ARGV[at + 1])
  redis.call('HINCRBY', KEYS[8], 'registered', redis.call('ZADD', KEYS[6], now, ARGV[at]))
  local counts = KEYS[4 * deliveries + i + 8]
  redis.call('HINCRBY', counts, 'registered', 1)
  redis.call('HINCRBY', counts, 'dead', 1)
  note('unroutable', 'd', ARGV[at], 'k', ARGV[at + 2], 'x', ARGV[at + 3], 'f', ARGV[at + 4])
end
redis.call('HSET', KEYS[1], 'state', 'routed', 'left', deliveries)
redis.call('HDEL', KEYS[1], 'lane')
redis.call('HINCRBY', KEYS[7], 'delivered', 1)
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('ZREM', KEYS[4], ARGV[1])
if deliveries == 0 then
  redis.call('DEL', KEYS[2])
  redis.call('EXPIRE', KEYS[1], ARGV[3])
end
return 1
