-- One command for many: each call has its price, whatever it does. Included by what works on lists.

local MOST_IN_ONE = 1000 -- words of one command: Lua cannot hand over any number

-- Run a command with a key and any number of words. Returns what the last one returns.
local function with_all(command, key, words)
  if #words > 0 and #words <= MOST_IN_ONE then
    return redis.call(command, key, unpack(words))
  end
  local answer
  for first = 1, #words, MOST_IN_ONE do
    answer = redis.call(command, key, unpack(words, first, math.min(#words, first + MOST_IN_ONE - 1)))
  end
  return answer
end

-- Returns members and their one score, as ZADD has them: the last first, since each is then put before
-- all others of its time, at once, where it would be looked for behind them.
local function scored(score, members)
  local entries, number = {}, #members
  for i = 1, number do
    entries[2 * i - 1] = score
    entries[2 * i] = members[number + 1 - i]
  end
  return entries
end
