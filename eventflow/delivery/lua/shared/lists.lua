-- One command for many: each call has its price, whatever it does. Included by what works on lists.

local MOST_IN_ONE = 1000 -- words of one command: Lua cannot hand over any number

-- Run a command with a key and any number of words. Returns what the last one returns.
local function with_all(command, key, words)
  local answer
  for first = 1, #words, MOST_IN_ONE do
    answer = redis.call(command, key, unpack(words, first, math.min(#words, first + MOST_IN_ONE - 1)))
  end
  return answer
end

-- Returns what lies under each key; false where there is nothing.
local function read_all(keys)
  local answers = {}
  for first = 1, #keys, MOST_IN_ONE do
    local some = redis.call('MGET', unpack(keys, first, math.min(#keys, first + MOST_IN_ONE - 1)))
    for i = 1, #some do
      answers[first + i - 1] = some[i]
    end
  end
  return answers
end
