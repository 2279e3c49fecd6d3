-- Tell the numbers of each target that a monitor draws, in one call for all of them.
--
-- KEYS 7i-6 .. 7i   zset   queued:<target>, running:<target>, waiting:<target>, parked:<target>
--                   hash   breaker:<target>, counts:<target> (unserved), pause:<target> (since)
--                                                                             for each target
-- ARGV 1            the beginning of the deliveries' keys (which of them are read is not known before)
-- ARGV 2            the most waiting deliveries whose event's age is looked up, for each target
-- Returns per target {queued, running, waiting, parked, breaker's state, then as text the seconds:
--   the oldest queued has been queued, the age of the oldest parked, the age of the oldest waiting,
--   the first waiting is overdue, the first lease is over, there has been no success,
--   it has been paused}
--# include limits
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local prefix, most = ARGV[1], tonumber(ARGV[2])
local answers = {}

local function since(moment)
  return string.format('%.6f', moment and math.max(0, now - moment) or 0)
end

local function first_of(place)
  return tonumber(redis.call('ZRANGE', place, 0, 0, 'WITHSCORES')[2])
end

-- When each was accepted stands in the delivery, and is the order of those that are parked.
local function oldest_parked(parked)
  local id = redis.call('ZRANGE', parked, 0, 0)[1]
  return id and tonumber(redis.call('HGET', prefix .. id, 'accepted') or nil)
end

-- When each was accepted stands in the delivery; the schedule is in the order of what is due.
local function oldest_of(waiting, number)
  local oldest
  local function look(first, last)
    for _, id in ipairs(redis.call('ZRANGE', waiting, first, last)) do
      local accepted = tonumber(redis.call('HGET', prefix .. id, 'accepted'))
      if accepted and (not oldest or accepted < oldest) then
        oldest = accepted
      end
    end
  end
  if number <= most then
    look(0, -1)
  else
    look(0, most / 2 - 1)
    look(-most / 2, -1)
  end
  return oldest
end

for i = 1, #KEYS / 7 do
  local at = 7 * (i - 1)
  local queued, running, waiting, parked = KEYS[at + 1], KEYS[at + 2], KEYS[at + 3], KEYS[at + 4]
  local number = redis.call('ZCARD', waiting)
  answers[i] = {
    redis.call('ZCARD', queued), redis.call('ZCARD', running), number, redis.call('ZCARD', parked),
    (breaker_of(KEYS[at + 5], now)),
    since(first_of(queued)), since(oldest_parked(parked)),
    since(number > 0 and oldest_of(waiting, number) or nil),
    since(first_of(waiting)), since(first_of(running)),
    since(tonumber(redis.call('HGET', KEYS[at + 6], 'unserved') or nil)),
    since(tonumber(redis.call('HGET', KEYS[at + 7], 'since') or nil)),
  }
end
return answers
