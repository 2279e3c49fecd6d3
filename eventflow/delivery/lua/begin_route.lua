-- Hand events to a router: each source and type in turn has its next one routed, so that a flood of
-- one kind does not keep the others waiting. An attempt is counted and a lease is taken, so that an
-- event which ends its router does so a bounded number of times; and after the first time it is
-- handed out alone, so that it takes no others along.
--
-- KEYS 1, 2         zset   queued:eventflow.route, running:eventflow.route
-- KEYS 3            list   lanes: those that have an event, in turn
-- ARGV 1..3         the beginning of the bus's keys (which lane:<lane>, event:<id> and body:<id> are
--                   touched is not known before), the most events, seconds of lease
-- Returns per event {id, body, accepted, attempts, lane}
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local prefix, most, lease = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local answers = {}

local function hand_out(id, event, lane)
  redis.call('ZREM', KEYS[1], id)
  redis.call('ZADD', KEYS[2], now + lease, id)
  answers[#answers + 1] = {id, redis.call('GET', prefix .. 'body:' .. id) or '',
    redis.call('HGET', event, 'accepted'), redis.call('HINCRBY', event, 'attempts', 1), lane}
end

while #answers < most do
  local lane = redis.call('LPOP', KEYS[3])
  if not lane then
    break
  end
  local waiting = prefix .. 'lane:' .. lane
  local id = redis.call('LPOP', waiting)
  local event = prefix .. 'event:' .. (id or '')
  local facts = redis.call('HMGET', event, 'state', 'attempts')
  local is_alone = tonumber(facts[2] or 0) > 0
  if facts[1] == 'accepted' and is_alone and #answers > 0 then
    redis.call('LPUSH', waiting, id)
    redis.call('LPUSH', KEYS[3], lane)
    break
  end
  if facts[1] == 'accepted' then
    hand_out(id, event, lane)
  end
  if redis.call('LLEN', waiting) > 0 then
    redis.call('RPUSH', KEYS[3], lane)
  end
  if facts[1] == 'accepted' and is_alone then
    break
  end
end
return answers
