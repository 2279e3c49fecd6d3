-- A target that a person has paused: what waits for it keeps its place, and does not age. Included by
-- claim, move, park and what registers deliveries.
--
-- pause:<target>     total: seconds of all pauses that are over; since, by, reason: while it is paused
--
-- A delivery's field `paused` is the target's total when it was registered (none for 0): what the
-- total has grown by since is no age of the delivery's.

-- Returns for how many seconds the target was ever paused, and whether it is.
local function pause_of(key, now)
  local kept = redis.call('HMGET', key, 'since', 'total')
  local total = tonumber(kept[2] or 0)
  if kept[1] then
    return total + math.max(0, now - tonumber(kept[1])), true
  end
  return total, false
end

-- Returns an age, of when it was accepted and its field `paused`; `paused` is for how many seconds its
-- target was ever paused.
local function age_by(accepted, kept, paused, now)
  return now - (tonumber(accepted) or now) - (paused - tonumber(kept or 0))
end

-- Returns a delivery's age.
local function age_of(delivery, paused, now)
  local kept = redis.call('HMGET', delivery, 'accepted', 'paused')
  return age_by(kept[1], kept[2] or nil, paused, now)
end
