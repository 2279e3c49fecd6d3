-- Claim a list of one target's deliveries: the one place that decides what may run.
--
-- KEYS 1..4         zset   queued:<target>    delivery id -> since when
--                   zset   running:<target>   delivery id -> end of its lease
--                   zset   waiting:<target>   delivery id -> due time
--                   zset   parked:<target>    delivery id -> when its event was accepted
-- KEYS 5..8         hash   counts:<target>    head, delivered, retried, dead, vanished, called
--                   hash   breaker:<target>, tokens:<target>, pause:<target>
-- KEYS 9            list   told:<target>:<owner>: who may not tell of a success is not to begin
-- ARGV 1..6         seconds of lease, most attempts, most age in seconds, most crashes, the owner,
--                   1 when no other delivery is named
-- ARGV 7, 8         the beginning of the bus's keys (which delivery:<id> and body:<event id> are
--                   touched is not known before), the target's name
-- ARGV 9..11        the most that may run ('' for all that are named), how many that are queued are
--                   looked at after those that are named, 1 when only the first is begun: the others
--                   are reserved, and begun by finish.lua, one by one
-- ARGV 12           1 when the answer to this claim was lost: what it had drawn is given back first
-- ARGV 13, 14       1 when this answers a message; after how many seconds one that nobody has taken
--                   counts as lost: one more is sent when much is left. '' where none is to be
-- ARGV 15           until when this may be done, by this clock; '' for ever. Who asked has given it up
--                   then, and asks once more: what comes late, out of a network that stood still, is
--                   not to take away what was claimed meanwhile
-- ARGV 16, 17       the target's limits; seconds to remember an event once all is delivered
-- ARGV i+17         the ids of the deliveries that are named
-- Returns -1 where it comes too late, else how many are queued still, 1 when a message is to be sent,
-- now, and as shared/pieces.lua has it, 8 texts for each delivery: its id; its verdict and more words;
-- and, where it is to run or has spent a budget, body, input, rules, error type, error and the
-- traceparent of the step before
--   gone              finished before
--   leased, waiting   another has it, or its time has not come
--   parked            then why: paused, turn, breaker, in_flight or rate; no attempt is spent
--   apart             it has ended a worker, and is not alone in its message
--   run, poison, max_attempts, max_age   then: attempt, accepted, first, redrives, the number of the
--                     last attempt that told how it went, and for how many seconds its target was
--                     paused meanwhile
--
-- delivery:<id>       ahead: reserved by its owner, and not begun: its attempt is not counted yet, and
--                     if the owner ends, no crash either
--# include calls
--# include journal
--# include limits
--# include lists
--# include pauses
--# include pieces
--# include successes
--# include tokens
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local now_text = string.format('%.6f', now)
if ARGV[15] ~= '' and now > tonumber(ARGV[15]) then
  return {-1, 0, now_text, '', ''}
end
local lease, most_attempts, most_age = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local most_crashes, owner = tonumber(ARGV[4]), ARGV[5]
local prefix, name, window = ARGV[7], ARGV[8], ARGV[17]
local most, look, is_one_begun = tonumber(ARGV[9]) or math.huge, tonumber(ARGV[10]), ARGV[11] == '1'
local limits = read_limits(ARGV[16])
local queued, running, waiting, parked = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local counts, breaker, bucket = KEYS[5], KEYS[6], KEYS[7]
local paused, is_paused = pause_of(KEYS[8], now)
local head = tonumber(redis.call('HGET', counts, 'head') or 0)
local state, _, probe = breaker_of(breaker, now)
local in_line = redis.call('ZCARD', parked)
local TEXTS, BODY = 8, 3 -- of one delivery, and which of them is its body
local texts, bodies, bodies_at = {}, {}, {} -- the bodies' keys, and where they go among the texts
local leased = {} -- ids; they are moved all at once
local is_drawing = ARGV[9] ~= ''
local runs, is_closed = 0, false -- closed: nothing more is taken along

local function delivery_of(id)
  return prefix .. 'delivery:' .. id
end

local function facts_of(delivery)
  local kept, facts = redis.call('HGETALL', delivery), {}
  for i = 1, #kept, 2 do
    facts[kept[i]] = kept[i + 1]
  end
  facts.tries, facts.lost = tonumber(facts.attempts or 0), tonumber(facts.crashes or 0)
  return facts
end

-- Have what was leased since the last time be in its place: among what runs.
local function move_leased()
  if #leased == 0 then
    return
  end
  with_all('ZREM', queued, leased)
  with_all('ZREM', waiting, leased)
  with_all('ZADD', running, scored(string.format('%.6f', now + lease), leased))
  leased = {}
end

local function hold_of(facts)
  if is_paused then
    return 'paused'
  end
  -- First come, first served: what was parked and let go has a pass, and all else gets in line.
  if not facts.pass and in_line > 0 then
    return 'turn'
  end
  if state == 'open' or probe then
    return 'breaker'
  end
  if limits.in_flight then
    move_leased()
    if redis.call('ZCARD', running) >= limits.in_flight then
      return 'in_flight'
    end
  end
  if limits.rate and tokens_of(bucket, limits, now) < 1 then
    return 'rate'
  end
  return nil
end

local function verdict_of(id, delivery, facts, since, is_alone)
  if not facts.attempts then
    if redis.call('ZREM', queued, id) == 1 then
      redis.call('DEL', delivery)
      redis.call('HINCRBY', counts, 'vanished', 1)
      note('lost', 'd', id, 'f', '{"why":"vanished"}')
    end
    return 'gone'
  end
  local leased_until = facts.leased_until
  if leased_until and owner ~= '' and facts.owner == owner then
    return 'again'
  end
  if leased_until and leased_until > now then
    return 'leased'
  end
  if leased_until then
    redis.call('ZREM', running, id)
    if facts.ahead == '1' then
      redis.call('HDEL', delivery, 'ahead')
    else
      facts.lost = redis.call('HINCRBY', delivery, 'crashes', 1)
      note('lost', 'd', id, 'f', '{"why":"lease"}')
    end
  end
  if not since then -- what is queued is in no other place
    local due = tonumber(redis.call('ZSCORE', waiting, id) or nil)
    if due and (due > now or is_drawing) then
      return 'waiting' -- an older message names it; once it is due, a mover queues it
    end
    if redis.call('ZSCORE', parked, id) then
      return 'parked', 'turn'
    end
  end
  if facts.lost >= most_crashes then
    return 'poison'
  end
  if facts.tries >= most_attempts then
    return 'max_attempts'
  end
  if age_by(facts.accepted, facts.paused, paused, now) > most_age then
    return 'max_age'
  end
  if facts.lost > 0 and not is_alone then
    return 'apart'
  end
  local hold = hold_of(facts)
  if hold then
    redis.call('ZREM', queued, id)
    redis.call('ZREM', waiting, id)
    in_line = in_line + redis.call('ZADD', parked, facts.accepted or now, id)
    note('parked', 'd', id, 'f', '{"by":"' .. hold .. '"}')
    return 'parked', hold
  end
  return 'run'
end

-- Take what its target's limits give to one that runs.
local function pass_limits(id)
  if limits.rate then
    redis.call('HSET', bucket, 'tokens', tokens_of(bucket, limits, now) - 1, 'at', now)
  end
  if state == 'half_open' then
    if redis.call('HGET', breaker, 'state') == 'open' then
      redis.call('HSET', breaker, 'state', 'half_open', 'since', now, 'passed', 0)
    end
    redis.call('HSET', breaker, 'probe', id, 'probe_until', now + lease)
    probe = id
  end
end

-- Lease a delivery, and note what its owner was told.
local function lease_it(id, delivery, facts, verdict, is_again)
  leased[#leased + 1] = id
  if facts.pass then
    redis.call('HDEL', delivery, 'pass')
  end
  if verdict ~= 'run' or is_again then
    redis.call('HSET', delivery, 'owner', owner, 'verdict', verdict)
    return
  end
  pass_limits(id)
  facts.tries, facts.first = facts.tries + 1, facts.first or now_text
  if is_one_begun and runs > 0 then
    redis.call('HSET', delivery, 'owner', owner, 'verdict', verdict, 'ahead', 1)
  else
    redis.call('HSET', delivery, 'owner', owner, 'verdict', verdict, 'ahead', 0, 'attempts',
      facts.tries, 'first', facts.first)
  end
end

local function answer(...)
  local given, last = {...}, #texts
  for i = 1, TEXTS do
    texts[last + i] = given[i] or ''
  end
end

-- Returns what is known of a delivery, once what its last owner has told is recorded; that may have
-- come after it was taken from the owner.
local function known(id, delivery, facts)
  if not facts.owner then
    return facts
  end
  local leased_until = tonumber(redis.call('ZSCORE', running, id) or nil) -- who leases it, owns it
  local is_another_s = leased_until and leased_until > now and facts.owner ~= owner
  if not is_another_s and record_told(prefix, name, facts.owner, window, now) then
    facts = facts_of(delivery)
  end
  facts.leased_until = leased_until
  return facts
end

local function claim(id, facts, since, is_alone)
  local delivery = delivery_of(id)
  facts = known(id, delivery, facts)
  local verdict, why = verdict_of(id, delivery, facts, since, is_alone)
  -- The answer to this owner's claim was lost on the way: it is given once more, and counts once.
  local is_again = verdict == 'again'
  if is_again then
    verdict, is_again = facts.verdict, facts.ahead ~= '1'
  end
  if verdict == 'gone' or verdict == 'leased' or verdict == 'waiting' or verdict == 'apart' then
    answer(id, verdict)
    return
  end
  head = math.max(head, since or 0)
  if verdict == 'parked' then
    answer(id, verdict .. ' ' .. why)
    return
  end
  -- The lease is taken for the last rites too: two workers must not both bury it.
  lease_it(id, delivery, facts, verdict, is_again)
  if verdict == 'run' then
    runs, is_closed = runs + 1, is_closed or facts.lost > 0
  end
  bodies[#bodies + 1] = prefix .. 'body:' .. string.sub(id, 1, -#name - 2)
  bodies_at[#bodies_at + 1] = #texts + BODY
  local words = {verdict, facts.tries, facts.accepted or now_text, facts.first or '0',
    facts.redrives or '0', facts.failed or '0', '0'}
  if paused > 0 then
    words[7] = string.format('%.6f', paused - tonumber(facts.paused or 0))
  end
  answer(id, table.concat(words, ' '), nil, facts.input, facts.rules, facts.error_type, facts.error,
    facts.trace)
end

local named, is_named = {}, {}
local function name_once(id) -- or it would be claimed, and run, as often as it is named
  if not is_named[id] then
    named[#named + 1], is_named[id] = id, true
  end
end
local is_alone = ARGV[6] == '1' -- where all are begun, others run beside them already
if ARGV[12] == '1' then
  for _, id in ipairs(redis.call('ZRANGE', running, 0, -1)) do
    local facts = facts_of(delivery_of(id))
    if facts.owner == owner and facts.ahead == '1' then
      redis.call('HDEL', delivery_of(id), 'ahead')
      redis.call('ZREM', running, id)
      redis.call('ZADD', queued, now, id)
    elseif facts.owner == owner then
      name_once(id) -- begun, and to be answered again, before all that is new
    end
  end
end
for i = 18, #ARGV do
  name_once(ARGV[i])
end
if ARGV[13] == '1' then
  redis.call('HDEL', counts, 'called')
end
for _, id in ipairs(named) do
  if runs >= most or is_closed then
    break -- those behind it are queued, and taken in their turn
  end
  claim(id, facts_of(delivery_of(id)), tonumber(redis.call('ZSCORE', queued, id) or nil), is_alone)
end
-- A target with limits gives one at a time: what they hold back is parked on the way.
local is_limited = limits.rate or limits.in_flight or state ~= 'closed'
local seen, looked, number = {}, 0, math.min(look, most - runs) -- mostly the first may run
while number > 0 and not is_closed do
  move_leased() -- or they would be found once more
  local ids = redis.call('ZRANGE', queued, 0, number - 1, 'WITHSCORES')
  for i = 1, #ids, 2 do
    local id = ids[i]
    is_closed = is_closed or runs >= most or looked >= look or (is_limited and runs > 0)
    local facts = not (is_closed or seen[id]) and facts_of(delivery_of(id))
    if facts and facts.lost > 0 and runs > 0 and is_one_begun then
      is_closed = true -- it is taken alone, and next
    elseif facts then
      seen[id], looked = true, looked + 1
      claim(id, facts, tonumber(ids[i + 1]), is_one_begun) -- what runs beside others is never alone
    end
  end
  if number == look or runs >= most or #ids < 2 * number then
    break
  end
  number = look -- only where not all of those may run, more are looked at
end
move_leased()
redis.call('HSET', counts, 'head', string.format('%.6f', head))
for i, body in ipairs(#bodies > 0 and redis.call('MGET', unpack(bodies)) or bodies) do
  texts[bodies_at[i]] = body or ''
end
local left, is_called = redis.call('ZCARD', queued), 0
if ARGV[14] ~= '' and runs > 0 and left >= runs then
  is_called = call(counts, now, tonumber(ARGV[14]))
end
return {left, is_called, now_text, joined(texts)}
