-- Find the entries of one event, its replays among them, or of all whose id begins so, in a part of the
-- journal that is not in the store yet.
--
-- KEYS 1            stream journal                  entries, until they are in the store
-- ARGV 1..4         where to begin, the most entries to look at, the event's own id, 1 when it is the
--                   beginning of one
-- Returns where to go on ('' at the end), then the entries that were found, as XRANGE has them
local found = redis.call('XRANGE', KEYS[1], ARGV[1], '+', 'COUNT', ARGV[2])
local id, delivery, replay = ARGV[3], ARGV[3] .. ':', ARGV[3] .. '@replay:'
local is_beginning = ARGV[4] == '1'
local answers = {''}
for i = 1, #found do
  local fields = found[i][2]
  for j = 1, #fields, 2 do
    local name, value = fields[j], fields[j + 1]
    if name == 'd' or name == 'e' then
      -- A target's name has no colon, and an event's id may.
      local is_own = value == id
      if is_beginning then
        is_own = string.sub(value, 1, #id) == id
      elseif name == 'd' then
        local rest = string.find(value, ':', #delivery + 1, true)
        is_own = string.sub(value, 1, #delivery) == delivery and not rest
      end
      if is_own or string.sub(value, 1, #replay) == replay then
        answers[#answers + 1] = found[i]
      end
      break
    end
  end
end
if #found == tonumber(ARGV[2]) then
  answers[1] = '(' .. found[#found][1]
end
return answers
