-- Claim a list of one target's deliveries: the one place that decides what may run.
--
-- KEYS 1..4         zset   queued:<target>    delivery id -> since when
--                   zset   running:<target>   delivery id -> end of its lease
--                   zset   waiting:<target>   delivery id -> due time
--                   zset   parked:<target>    delivery id -> when its event was accepted
-- KEYS 5..8         hash   counts:<target>    head, delivered, retried, dead, vanished
--                   hash   breaker:<target>, tokens:<target>, pause:<target>
-- KEYS 2i+7, 2i+8   hash   delivery:<id>      attempts, failed, crashes, rules, input, accepted ...
--                   string body:<event id>    the event as JSON
-- ARGV 1..6         seconds of lease, most attempts, most age in seconds, most crashes, the owner,
--                   1 when the message names no other delivery
-- ARGV 7..14        the target's limits
-- ARGV i+14         the delivery's id
-- Returns per delivery {verdict, ...}:
--   gone              finished before
--   leased, waiting   another has it, or its time has not come
--   parked            then why: paused, turn, breaker, in_flight or rate; no attempt is spent
--   apart             it has ended a worker, and is not alone in its message
--   run, poison, max_attempts, max_age   then: attempt, body, input, rules, accepted, first,
--                     redrives, now, error type, error, the number of the last attempt that told
--                     how it went, for how many seconds its target was paused meanwhile, and the
--                     traceparent of the step before
--# include journal
--# include limits
--# include pauses
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local lease, most_attempts, most_age = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local most_crashes, owner, is_alone = tonumber(ARGV[4]), ARGV[5], ARGV[6] == '1'
local limits = read_limits(7)
local queued, running, waiting, parked = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local counts, breaker, bucket = KEYS[5], KEYS[6], KEYS[7]
local paused, is_paused = pause_of(KEYS[8], now)
local FIRST = 7 + LIMITS
local head = tonumber(redis.call('HGET', counts, 'head') or 0)
local answers = {}

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

local function verdict_of(id, delivery)
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
    redis.call('HINCRBY', delivery, 'crashes', 1)
    note('lost', 'd', id, 'f', '{"why":"lease"}')
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

local function start(id, delivery)
  redis.call('HINCRBY', delivery, 'attempts', 1)
  redis.call('HSETNX', delivery, 'first', now)
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

for i = FIRST, #ARGV do
  local n = i - FIRST + 1
  local id, delivery, body = ARGV[i], KEYS[2 * n + 7], KEYS[2 * n + 8]
  local since = tonumber(redis.call('ZSCORE', queued, id) or 0)
  local verdict, why = verdict_of(id, delivery)
  -- The answer to this owner's claim was lost on the way: it is given once more, and counts once.
  local is_again = verdict == 'again'
  if is_again then
    verdict = redis.call('HGET', delivery, 'verdict')
  end
  if verdict == 'gone' or verdict == 'leased' or verdict == 'waiting' or verdict == 'apart' then
    answers[n] = {verdict}
  elseif verdict == 'parked' then
    head = math.max(head, since)
    answers[n] = {verdict, why}
  else
    head = math.max(head, since)
    -- The lease is taken for the last rites too: two workers must not both bury it.
    redis.call('ZREM', queued, id)
    redis.call('ZREM', waiting, id)
    redis.call('ZADD', running, now + lease, id)
    redis.call('HDEL', delivery, 'pass')
    redis.call('HSET', delivery, 'owner', owner, 'verdict', verdict)
    if verdict == 'run' and not is_again then
      start(id, delivery)
    end
    local f = redis.call('HMGET', delivery, 'attempts', 'input', 'rules', 'accepted', 'first',
      'redrives', 'error_type', 'error', 'failed', 'paused', 'trace')
    answers[n] = {verdict, f[1], redis.call('GET', body) or '', f[2] or '', f[3] or '[]', f[4] or now,
      f[5] or '0', f[6] or '0', string.format('%.6f', now), f[7] or '', f[8] or '', f[9] or '0',
      string.format('%.6f', paused - tonumber(f[10] or 0)), f[11] or ''}
  end
end
redis.call('HSET', counts, 'head', string.format('%.6f', head))
return answers
