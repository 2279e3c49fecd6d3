-- What holds a target back: its circuit breaker, its rate, and how many may be in flight. Included
-- by claim, finish and move; the functions decide by what they are given, and read no clock.
--
-- breaker:<target>   state, since, until ('' until a person closes it), calls, failed, error,
--                    reason; probe and probe_until: the delivery that is let through, and the end
--                    of its lease; sent: the one that was put on the queue as a probe; passed:
--                    probes that went well; c<n>, f<n>: calls and failed calls in the n-th tenth of
--                    a window since the epoch
-- tokens:<target>    tokens, at: how many there were, and when

local LIMITS = 8 -- arguments of one target, as limit_arguments() in Python writes them

local function read_limits(at)
  return {
    rate = tonumber(ARGV[at]),              -- tokens a second; nil: as many as there are
    burst = tonumber(ARGV[at + 1]),         -- the most tokens that are saved up
    in_flight = tonumber(ARGV[at + 2]),     -- the most leases at once; nil: any number
    failure_rate = tonumber(ARGV[at + 3]),  -- nil: the breaker is opened by hand alone
    min_calls = tonumber(ARGV[at + 4]),
    window = tonumber(ARGV[at + 5]),
    open_for = tonumber(ARGV[at + 6]),
    probes = tonumber(ARGV[at + 7]),
  }
end

local function tokens_of(key, limits, now)
  local kept = redis.call('HMGET', key, 'tokens', 'at')
  if not kept[1] then
    return limits.burst
  end
  local gained = math.max(0, now - tonumber(kept[2])) * limits.rate
  return math.min(limits.burst, tonumber(kept[1]) + gained)
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
