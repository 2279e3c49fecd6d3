-- A target that a person has paused: what waits for it keeps its place, and does not age. Included by
-- claim, move, park and what registers deliveries.
--
-- pause:<target>     total: seconds of all pauses that are over; since, by, reason: while it is paused
--
-- A delivery's field `paused` is the target's total when it was registered (none for 0). In
-- parked:<target> it stands at `accepted` less that: by the target's own clock, which stands still
-- while the target is paused, so that what is older stays before what is younger.

-- Returns for how many seconds the target was ever paused, and whether it is.
local function pause_of(key, now)
  local kept = redis.call('HMGET', key, 'since', 'total')
  local total = tonumber(kept[2] or 0)
  if kept[1] then
    return total + math.max(0, now - tonumber(kept[1])), true
  end
  return total, false
end

-- Returns when a delivery was accepted by its target's clock.
local function accepted_of(delivery, now)
  local kept = redis.call('HMGET', delivery, 'accepted', 'paused')
  return (tonumber(kept[1]) or now) - tonumber(kept[2] or 0)
end
