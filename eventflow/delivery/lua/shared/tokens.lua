-- A target's rate: how many tokens there are. Included by claim and move, with shared/limits.lua.
--
-- tokens:<target>    tokens, at: how many there were, and when

local function tokens_of(key, limits, now)
  local kept = redis.call('HMGET', key, 'tokens', 'at')
  if not kept[1] then
    return limits.burst
  end
  local gained = math.max(0, now - tonumber(kept[2])) * limits.rate
  return math.min(limits.burst, tonumber(kept[1]) + gained)
end
