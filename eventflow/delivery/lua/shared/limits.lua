-- What holds a target back: its circuit breaker, its rate, and how many may be in flight. Included
-- by claim, finish and move; the functions decide by what they are given, and read no clock.
--
-- breaker:<target>   state, since, until ('' until a person closes it), calls, failed, error,
--                    reason; probe and probe_until: the delivery that is let through, and the end
--                    of its lease; sent: the one that was put on the queue as a probe; passed:
--                    probes that went well; c<n>, f<n>: calls and failed calls in the n-th tenth of
--                    a window since the epoch

-- Returns what a target's one argument says, as packed_limits() in Python writes it: eight numbers, of
-- which one below zero is none.
local function read_limits(packed)
  local rate, burst, in_flight, failure_rate, min_calls, window, open_for, probes =
    struct.unpack('>dddddddd', packed)
  return {
    rate = rate >= 0 and rate or nil,                         -- tokens a second; nil: any number
    burst = burst,                                            -- the most tokens that are saved up
    in_flight = in_flight >= 0 and in_flight or nil,          -- the most leases at once; nil: any number
    failure_rate = failure_rate >= 0 and failure_rate or nil, -- nil: the breaker is opened by hand alone
    min_calls = min_calls, window = window, open_for = open_for, probes = probes,
  }
end

-- Returns the state now (closed, open, half_open), when it may change by itself (nil: not known),
-- and the probe that is under way (nil: none).
local function breaker_of(key, now)
  local state = redis.call('HGET', key, 'state')
  if not state or state == 'closed' then
    return 'closed' -- mostly: so this is asked alone
  end
  local kept = redis.call('HMGET', key, 'state', 'until', 'probe', 'probe_until')
  if kept[1] == 'open' then
    local ends = tonumber(kept[2])
    if not ends or ends > now then
      return 'open', ends
    end
    return 'half_open'
  end
  local probe_until = tonumber(kept[4] or 0)
  if kept[3] and probe_until > now then
    return 'half_open', probe_until, kept[3]
  end
  return 'half_open'
end
