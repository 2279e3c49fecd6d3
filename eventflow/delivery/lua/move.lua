-- Put back on their queues what is due: retries whose time has come, deliveries whose lease has
-- ended because their worker is gone, and what was parked and may run now. Any number of movers may
-- run this. A target that has limits gets no more than it may take.
--
-- KEYS 7i-6 .. 7i   zset   queued:<target>, running:<target>, waiting:<target>, parked:<target>
--                   hash   breaker:<target>, tokens:<target>, pause:<target>    for each target
-- ARGV 1..3         the most to move for one target, the beginning of the bus's keys, seconds to remember
--                   an event: which delivery:<id>, told:<target>:<owner> and more are touched is not
--                   known before, and all of one bus are on one node
-- then 3 each       the target's limits, its most age in seconds, its name
-- Returns {seconds until more can be moved or '', {target's number, kind, id} ...}, kind lost or due
--# include journal
--# include limits
--# include lists
--# include pauses
--# include successes
--# include tokens
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local most, bus, window = tonumber(ARGV[1]), ARGV[2], ARGV[3]
local prefix = bus .. 'delivery:'
local SOON = 0.05 -- seconds until a look at a target that gives way bit by bit is worth its while
local nearest = nil
local answers = {''}

local function look_again(at)
  if at and (nearest == nil or at < nearest) then
    nearest = at
  end
end

local function first_of(key)
  return tonumber(redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')[2])
end

-- Returns how many may go to the queue now, and when a next look is worth its while.
local function room_of(limits, queued, running, breaker, bucket)
  local on_queue = redis.call('ZCARD', queued)
  local state, changes, probe = breaker_of(breaker, now)
  if state == 'open' or probe then
    return 0, changes
  end
  if state == 'half_open' then
    -- One at a time, and of those who wait: what comes in meanwhile gets in line, so that a flood of
    -- it, which is never off the queue, must not keep the probe from going.
    local sent = redis.call('HGET', breaker, 'sent')
    return (sent and redis.call('ZSCORE', queued, sent)) and 0 or 1, now + SOON
  end
  local room, again = most - on_queue, now + SOON
  if limits.in_flight then
    -- As many again as may run lie ready on the queue, so that none who is free waits for a mover.
    room = math.min(room, 2 * limits.in_flight - redis.call('ZCARD', running) - on_queue)
  end
  if limits.rate then
    local tokens = tokens_of(bucket, limits, now)
    room = math.min(room, math.floor(tokens) - on_queue)
    local wanted = math.max(1, limits.burst / 2)
    again = now + math.max(SOON / 2, (wanted - tokens) / limits.rate)
  end
  return room, again
end

for i = 1, math.floor(#KEYS / 7) do
  local queued, running, waiting = KEYS[7 * i - 6], KEYS[7 * i - 5], KEYS[7 * i - 4]
  local parked, breaker, bucket = KEYS[7 * i - 3], KEYS[7 * i - 2], KEYS[7 * i - 1]
  local limits, most_age, name = read_limits(ARGV[3 * i + 1]), tonumber(ARGV[3 * i + 2]), ARGV[3 * i + 3]
  local paused, is_paused = pause_of(KEYS[7 * i], now)
  local is_held = is_paused or breaker_of(breaker, now) ~= 'closed' or limits.rate
    or limits.in_flight

  local held = {} -- by this call, and perhaps not for longer

  local function enqueue(kind, id, step, why)
    redis.call('ZADD', queued, now, id)
    note(step, 'd', id, 'f', '{"why":"' .. why .. '"}')
    held[id] = nil
    answers[#answers + 1] = {i, kind, id}
  end

  for _, id in ipairs(redis.call('ZRANGEBYSCORE', running, '-inf', now, 'LIMIT', 0, most)) do
    record_told(bus, name, redis.call('HGET', prefix .. id, 'owner') or '', window, now)
    local is_left = redis.call('ZREM', running, id) == 1 -- else its owner had told that it is done
    if is_left and redis.call('HGET', prefix .. id, 'ahead') == '1' then
      redis.call('HDEL', prefix .. id, 'ahead')
      enqueue('due', id, 'queued', 'sent again') -- its worker is gone, and had not begun it
    elseif is_left then
      redis.call('HINCRBY', prefix .. id, 'crashes', 1)
      enqueue('lost', id, 'lost', 'lease')
    end
  end
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', waiting, '-inf', now, 'LIMIT', 0, most)) do
    redis.call('ZREM', waiting, id)
    if is_held then
      redis.call('ZADD', parked, redis.call('HGET', prefix .. id, 'accepted') or now, id)
      held[id] = true
    else
      enqueue('due', id, 'queued', 'due')
    end
  end
  look_again(first_of(running))
  look_again(first_of(waiting))

  -- What a paused target has parked does not age, and is looked at again once a person resumes it.
  if not is_paused and redis.call('ZCARD', parked) > 0 then
    -- What is too old is let go to its last rites, whatever holds its target back.
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', parked, '-inf', now - most_age, 'LIMIT', 0, most)) do
      if age_of(prefix .. id, paused, now) <= most_age then
        break -- it was paused meanwhile, and those after it are younger
      end
      redis.call('ZREM', parked, id)
      enqueue('due', id, 'queued', 'due')
    end
    local room, again = room_of(limits, queued, running, breaker, bucket)
    if room > 0 then
      local is_probe = breaker_of(breaker, now) == 'half_open'
      for _, id in ipairs(redis.call('ZRANGE', parked, 0, room - 1)) do
        redis.call('ZREM', parked, id)
        redis.call('HSET', prefix .. id, 'pass', 1)
        if is_probe then
          redis.call('HSET', breaker, 'sent', id)
        end
        enqueue('due', id, 'queued', held[id] and 'due' or 'free')
      end
    end
    local oldest = redis.call('ZRANGE', parked, 0, 0)[1]
    if oldest then
      look_again(again)
      look_again(now + most_age - age_of(prefix .. oldest, paused, now))
    end
  end
  for id in pairs(held) do
    note('parked', 'd', id, 'f', is_paused and '{"by":"paused"}' or '{"by":"turn"}')
  end
end
if nearest then
  answers[1] = string.format('%.6f', math.max(0, nearest - now))
end
return answers
