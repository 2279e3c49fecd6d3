-- Answers of many small texts: whoever asks reads one long text, and where to cut it, several times
-- quicker than a list for each. Included by what hands out lists, with shared/lists.lua.

-- Returns the lengths of texts, one after another, and the texts themselves, put together.
local function joined(texts)
  local lengths, written = {}, {} -- most lengths are those of others: each is written once
  for i = 1, #texts do
    local length = #texts[i]
    written[length] = written[length] or tostring(length)
    lengths[i] = written[length]
  end
  return table.concat(lengths, ' '), table.concat(texts)
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
