-- Hand events to a router: each source and type in turn has its next one routed, so that a flood of
-- one kind does not keep the others waiting. An attempt is counted and a lease is taken, so that an
-- event which ends its router does so a bounded number of times; and after the first time it is
-- handed out alone, so that it takes no others along. Asked once more by the same name, since the first
-- answer was lost, it hands out the same, and counts nothing.
--
-- KEYS 1, 2         zset   queued:eventflow.route, running:eventflow.route
-- KEYS 3, 4         list   lanes: those that have an event, in turn; hash counts:eventflow.route (called)
-- ARGV 1..3         the beginning of the bus's keys (which lane:<lane>, event:<id> and body:<id> are
--                   touched is not known before), the most events, seconds of lease
-- ARGV 4, 5         1 when this answers a message; after how many seconds one that nobody has taken
--                   counts as lost: one more is sent when much is left. '' where none is to be
-- ARGV 6            a name that no other question has, for drawn:<name>; '' for none
-- Returns how many are left, 1 when a message is to be sent, and as shared/pieces.lua has it, 5 texts for
-- each event: its id, its lane, its body, when it was accepted, and how often it was handed out
--# include calls
--# include lists
--# include pieces
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local prefix, most, lease = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local TEXTS, BODY = 5, 3 -- of one event, and which of them is its body
local ids, bodies, texts = {}, {}, {}
local drawn, before = prefix .. 'drawn:' .. ARGV[6], false
if ARGV[6] ~= '' then
  before = redis.call('GET', drawn)
end

local function hand_out(id, accepted, lane, attempts)
  ids[#ids + 1] = id
  bodies[#bodies + 1] = prefix .. 'body:' .. id
  local last = #texts
  texts[last + 1], texts[last + 2], texts[last + BODY] = id, lane, ''
  texts[last + 4] = accepted
  texts[last + 5] = tostring(attempts)
end

-- Hand out what the same question was answered with, as far as nobody else has it by now.
local function hand_out_again(answer)
  for _, id in ipairs(answer.ids) do
    local facts = redis.call('HMGET', prefix .. 'event:' .. id, 'state', 'attempts', 'accepted', 'lane')
    local leased = tonumber(redis.call('ZSCORE', KEYS[2], id) or 0)
    if facts[1] == 'accepted' and leased == tonumber(answer.leased) then
      hand_out(id, facts[3], facts[4] or '', facts[2])
    end
  end
end

if before then
  before = cjson.decode(before)
  hand_out_again(before)
end
if ARGV[4] == '1' or before and before.is_called == 1 then
  redis.call('HDEL', KEYS[4], 'called')
end
while #ids < most and not (before and #ids > 0) do
  local lane = redis.call('LPOP', KEYS[3])
  if not lane then
    break
  end
  local waiting = prefix .. 'lane:' .. lane
  local id = redis.call('LPOP', waiting)
  local event = prefix .. 'event:' .. (id or '')
  local facts = redis.call('HMGET', event, 'state', 'attempts', 'accepted')
  local is_alone = tonumber(facts[2] or 0) > 0
  if facts[1] == 'accepted' and is_alone and #ids > 0 then
    redis.call('LPUSH', waiting, id)
    redis.call('LPUSH', KEYS[3], lane)
    break
  end
  if facts[1] == 'accepted' then
    hand_out(id, facts[3], lane, redis.call('HINCRBY', event, 'attempts', 1))
  end
  if redis.call('LLEN', waiting) > 0 then
    redis.call('RPUSH', KEYS[3], lane)
  end
  if facts[1] == 'accepted' and is_alone then
    break
  end
end
with_all('ZREM', KEYS[1], ids)
local leased = string.format('%.6f', now + lease)
with_all('ZADD', KEYS[2], scored(leased, ids))
for i, body in ipairs(#bodies > 0 and redis.call('MGET', unpack(bodies)) or bodies) do
  texts[TEXTS * (i - 1) + BODY] = body or ''
end
local left, is_called = redis.call('ZCARD', KEYS[1]), 0
if ARGV[5] ~= '' and #ids > 0 and left >= #ids then
  is_called = call(KEYS[4], now, tonumber(ARGV[5]))
end
if ARGV[6] ~= '' and #ids > 0 then
  local answer = cjson.encode({ids = ids, leased = leased, is_called = is_called})
  redis.call('SET', drawn, answer, 'PX', math.ceil(1000 * lease))
end
return {left, is_called, joined(texts)}
