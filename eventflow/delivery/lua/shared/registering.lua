-- Counting what is registered, for a target's balance. Included by what registers.
--
-- counts:<target>    registered: deliveries that were registered, since this is counted;
--                    before: those of before, set once (balances.lua), so that the balance is even then;
--                    unserved: since when it has got deliveries without a success (finish.lua)

-- Queue a delivery that was written just now, count it, and note for how long its target was paused.
local function register(id, delivery, queued, counts, pause, now)
  local total = pause_of(pause, now)
  if total > 0 then
    redis.call('HSET', delivery, 'paused', total)
  end
  if redis.call('HINCRBY', counts, 'registered', 1) == 1 and redis.call('HLEN', counts) == 1
    and redis.call('ZCARD', queued) == 0 then
    redis.call('HSET', counts, 'before', 0) -- a target's very first
  end
  redis.call('HSETNX', counts, 'unserved', now)
  redis.call('ZADD', queued, now, id)
end
