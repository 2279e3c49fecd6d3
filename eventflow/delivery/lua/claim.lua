-- Claim a list of one target's deliveries: the one place that decides what may run.
--
-- KEYS 1..4         zset   queued:<target>    delivery id -> since when
--                   zset   running:<target>   delivery id -> end of its lease
--                   zset   waiting:<target>   delivery id -> due time
--                   zset   parked:<target>    delivery id -> when its event was accepted
-- KEYS 5..8         hash   counts:<target>    head, delivered, retried, dead, vanished, called
--                   hash   breaker:<target>, tokens:<target>, pause:<target>
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
-- ARGV 15..22       the target's limits
-- ARGV i+22         the ids of the deliveries that are named
-- Returns how many are queued still, 1 when a message is to be sent, then per delivery
-- {id, verdict, ...}:
--   gone              finished before
--   leased, waiting   another has it, or its time has not come
--   parked            then why: paused, turn, breaker, in_flight or rate; no attempt is spent
--   apart             it has ended a worker, and is not alone in its message
--   run, poison, max_attempts, max_age   then: attempt, body, input, rules, accepted, first,
--                     redrives, now, error type, error, the number of the last attempt that told
--                     how it went, for how many seconds its target was paused meanwhile, and the
--                     traceparent of the step before
--
-- delivery:<id>       ahead: reserved by its owner, and not begun: its attempt is not counted yet, and
--                     if the owner ends, no crash either
--# include calls
--# include journal
--# include limits
--# include pauses
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local lease, most_attempts, most_age = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local most_crashes, owner = tonumber(ARGV[4]), ARGV[5]
local prefix, name = ARGV[7], ARGV[8]
local most, look, is_one_begun = tonumber(ARGV[9]) or math.huge, tonumber(ARGV[10]), ARGV[11] == '1'
local limits = read_limits(15)
local queued, running, waiting, parked = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local counts, breaker, bucket = KEYS[5], KEYS[6], KEYS[7]
local paused, is_paused = pause_of(KEYS[8], now)
local FIRST = 15 + LIMITS
local head = tonumber(redis.call('HGET', counts, 'head') or 0)
local answers = {0, 0}
local runs, is_closed = 0, false -- closed: nothing more is taken along

local function delivery_of(id)
  return prefix .. 'delivery:' .. id
end

local function hold_of(delivery)
  if is_paused then
    return 'paused'
  end
  -- First come, first served: what was parked and let go has a pass, and all else gets in line.
  if redis.call('HEXISTS', delivery, 'pass') == 0 and redis.call('ZCARD', parked) > 0 then
    return 'turn'
  end
  local state, _, probe = breaker_of(breaker, now)
  if state == 'open' or probe then
    return 'breaker'
  end
  if limits.in_flight and redis.call('ZCARD', running) >= limits.in_flight then
    return 'in_flight'
  end
  if limits.rate and tokens_of(bucket, limits, now) < 1 then
    return 'rate'
  end
  return nil
end

local function verdict_of(id, delivery, is_alone)
  if redis.call('HEXISTS', delivery, 'attempts') == 0 then
    if redis.call('ZREM', queued, id) == 1 then
      redis.call('DEL', delivery)
      redis.call('HINCRBY', counts, 'vanished', 1)
      note('lost', 'd', id, 'f', '{"why":"vanished"}')
    end
    return 'gone'
  end
  local leased_until = redis.call('ZSCORE', running, id)
  if leased_until and owner ~= '' and redis.call('HGET', delivery, 'owner') == owner then
    return 'again'
  end
  if leased_until and tonumber(leased_until) > now then
    return 'leased'
  end
  if leased_until then
    redis.call('ZREM', running, id)
    if redis.call('HDEL', delivery, 'ahead') == 0 then
      redis.call('HINCRBY', delivery, 'crashes', 1)
      note('lost', 'd', id, 'f', '{"why":"lease"}')
    end
  end
  if tonumber(redis.call('ZSCORE', waiting, id) or 0) > now then
    return 'waiting'
  end
  if redis.call('ZSCORE', parked, id) then
    return 'parked', 'turn'
  end
  local facts = redis.call('HMGET', delivery, 'attempts', 'accepted', 'crashes')
  if tonumber(facts[3] or 0) >= most_crashes then
    return 'poison'
  end
  if tonumber(facts[1]) >= most_attempts then
    return 'max_attempts'
  end
  if age_of(delivery, paused, now) > most_age then
    return 'max_age'
  end
  if tonumber(facts[3] or 0) > 0 and not is_alone then
    return 'apart'
  end
  local hold = hold_of(delivery)
  if hold then
    redis.call('ZREM', queued, id)
    redis.call('ZREM', waiting, id)
    redis.call('ZADD', parked, facts[2] or now, id)
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
  if breaker_of(breaker, now) == 'half_open' then
    if redis.call('HGET', breaker, 'state') == 'open' then
      redis.call('HSET', breaker, 'state', 'half_open', 'since', now, 'passed', 0)
    end
    redis.call('HSET', breaker, 'probe', id, 'probe_until', now + lease)
  end
end

local function claim(id, is_alone)
  local delivery = delivery_of(id)
  local since = tonumber(redis.call('ZSCORE', queued, id) or 0)
  local verdict, why = verdict_of(id, delivery, is_alone)
  -- The answer to this owner's claim was lost on the way: it is given once more, and counts once.
  local is_again = verdict == 'again'
  if is_again then
    verdict = redis.call('HGET', delivery, 'verdict')
    is_again = redis.call('HDEL', delivery, 'ahead') == 0
  end
  if verdict == 'gone' or verdict == 'leased' or verdict == 'waiting' or verdict == 'apart' then
    answers[#answers + 1] = {id, verdict}
    return
  end
  head = math.max(head, since)
  if verdict == 'parked' then
    answers[#answers + 1] = {id, verdict, why}
    return
  end
  -- The lease is taken for the last rites too: two workers must not both bury it.
  redis.call('ZREM', queued, id)
  redis.call('ZREM', waiting, id)
  redis.call('ZADD', running, now + lease, id)
  redis.call('HDEL', delivery, 'pass')
  local is_ahead = verdict == 'run' and not is_again and is_one_begun and runs > 0
  if is_ahead then
    redis.call('HSET', delivery, 'owner', owner, 'verdict', verdict, 'ahead', 1)
  else
    redis.call('HSET', delivery, 'owner', owner, 'verdict', verdict)
  end
  if verdict == 'run' then
    runs = runs + 1
    is_closed = is_closed or tonumber(redis.call('HGET', delivery, 'crashes') or 0) > 0
  end
  if verdict == 'run' and not is_again then
    pass_limits(id)
    if not is_ahead then
      redis.call('HINCRBY', delivery, 'attempts', 1)
      redis.call('HSETNX', delivery, 'first', now)
    end
  end
  local f = redis.call('HMGET', delivery, 'attempts', 'input', 'rules', 'accepted', 'first',
    'redrives', 'error_type', 'error', 'failed', 'paused', 'trace')
  local body = redis.call('GET', prefix .. 'body:' .. string.sub(id, 1, -#name - 2))
  answers[#answers + 1] = {id, verdict, is_ahead and f[1] + 1 or f[1], body or '', f[2] or '',
    f[3] or '[]', f[4] or now, f[5] or string.format('%.6f', is_ahead and now or 0), f[6] or '0',
    string.format('%.6f', now), f[7] or '', f[8] or '', f[9] or '0',
    string.format('%.6f', paused - tonumber(f[10] or 0)), f[11] or ''}
end

local named = {}
for i = FIRST, #ARGV do
  named[#named + 1] = ARGV[i]
end
local is_alone = ARGV[6] == '1' -- where all are begun, others run beside them already
if ARGV[12] == '1' then
  for _, id in ipairs(redis.call('ZRANGE', running, 0, -1)) do
    local delivery = delivery_of(id)
    local kept = redis.call('HMGET', delivery, 'owner', 'ahead')
    if kept[1] == owner and kept[2] then
      redis.call('HDEL', delivery, 'ahead')
      redis.call('ZREM', running, id)
      redis.call('ZADD', queued, now, id)
    elseif kept[1] == owner then
      table.insert(named, 1, id) -- begun, and to be answered again
    end
  end
end
if ARGV[13] == '1' then
  redis.call('HDEL', counts, 'called')
end
for _, id in ipairs(named) do
  if runs >= most or is_closed then
    break -- those behind it are queued, and taken in their turn
  end
  claim(id, is_alone)
end
if look > 0 and runs < most and not is_closed then
  -- A target with limits gives one at a time: what they hold back is parked on the way.
  local is_limited = limits.rate or limits.in_flight or breaker_of(breaker, now) ~= 'closed'
  for _, id in ipairs(redis.call('ZRANGE', queued, 0, look - 1)) do
    local crashes = tonumber(redis.call('HGET', delivery_of(id), 'crashes') or 0)
    local is_alone_next = crashes > 0 and runs > 0 and is_one_begun
    if runs >= most or is_closed or (is_limited and runs > 0) or is_alone_next then
      break
    end
    claim(id, is_one_begun) -- what runs beside others is never alone
  end
end
redis.call('HSET', counts, 'head', string.format('%.6f', head))
answers[1] = redis.call('ZCARD', queued)
if ARGV[14] ~= '' and runs > 0 and answers[1] >= runs then
  answers[2] = call(counts, now, tonumber(ARGV[14]))
end
return answers
