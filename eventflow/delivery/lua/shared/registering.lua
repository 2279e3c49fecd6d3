-- Queueing and counting what is registered, for a target's balance. Included by what registers, with
-- shared/lists.lua.
--
-- counts:<target>    registered: deliveries that were registered, since this is counted;
--                    before: those of before, set once (balances.lua), so that the balance is even then;
--                    unserved: since when it has got deliveries without a success (finish.lua)

-- Queue deliveries that were written just now, in their order, and count them.
local function register(ids, queued, counts, now)
  local number = #ids
  if redis.call('HINCRBY', counts, 'registered', number) == number
    and redis.call('HLEN', counts) == 1 and redis.call('ZCARD', queued) == 0 then
    redis.call('HSET', counts, 'before', 0) -- a target's very first
  end
  redis.call('HSETNX', counts, 'unserved', now)
  local entries = {}
  for i = 1, number do -- the last first, as in shared/lists.lua
    entries[2 * i - 1] = now + (number - i) * 0.000001 -- what has one time is in the order of ids
    entries[2 * i] = ids[number + 1 - i]
  end
  with_all('ZADD', queued, entries)
end
