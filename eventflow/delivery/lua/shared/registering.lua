-- Queueing and counting what is registered, for a target's balance. Included by what registers.
--
-- counts:<target>    registered: deliveries that were registered, since this is counted;
--                    before: those of before, set once (balances.lua), so that the balance is even then;
--                    unserved: since when it has got deliveries without a success (finish.lua)

local MOST_IN_ONE = 1000 -- entries of one command: Lua cannot hand over any number

-- Queue deliveries that were written just now, in their order, and count them.
local function register(ids, queued, counts, now)
  local number = #ids
  if redis.call('HINCRBY', counts, 'registered', number) == number
    and redis.call('HLEN', counts) == 1 and redis.call('ZCARD', queued) == 0 then
    redis.call('HSET', counts, 'before', 0) -- a target's very first
  end
  redis.call('HSETNX', counts, 'unserved', now)
  for first = 1, number, MOST_IN_ONE do
    local entries = {}
    for i = first, math.min(number, first + MOST_IN_ONE - 1) do
      entries[#entries + 1] = now + (i - 1) * 0.000001 -- what has one time is in the order of ids
      entries[#entries + 1] = ids[i]
    end
    redis.call('ZADD', queued, unpack(entries))
  end
end
