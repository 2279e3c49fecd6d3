-- Claim a list of one target's deliveries: the one place that decides what may run.
--
-- KEYS 1..3         zset   queued:<target>    delivery id -> since when
--                   zset   running:<target>   delivery id -> end of its lease
--                   zset   waiting:<target>   delivery id -> due time
-- KEYS 4            hash   counts:<target>    head, delivered, retried, dead
-- KEYS 2i+3, 2i+4   hash   delivery:<id>      attempts, failed, rules, input, accepted, first ...
--                   string body:<event id>    the event as JSON
-- ARGV 1..3         seconds of lease, most attempts, most age in seconds
-- ARGV i+3          the delivery's id
-- Returns per delivery {verdict, ...}:
--   gone              finished before
--   leased, waiting   another has it, or its time has not come
--   run, max_attempts, max_age   then: attempt, body, input, rules, accepted, first, redrives, now,
--                                error type, error, and the number of the last attempt that told
--                                how it went
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local lease, most_attempts, most_age = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local head = tonumber(redis.call('HGET', KEYS[4], 'head') or 0)
local answers = {}

local function verdict_of(id, delivery)
  if redis.call('EXISTS', delivery) == 0 then
    redis.call('ZREM', KEYS[1], id)
    return 'gone'
  end
  if tonumber(redis.call('ZSCORE', KEYS[2], id) or 0) > now then
    return 'leased'
  end
  if tonumber(redis.call('ZSCORE', KEYS[3], id) or 0) > now then
    return 'waiting'
  end
  if tonumber(redis.call('HGET', delivery, 'attempts')) >= most_attempts then
    return 'max_attempts'
  end
  if now - tonumber(redis.call('HGET', delivery, 'accepted')) > most_age then
    return 'max_age'
  end
  return 'run'
end

for i = 4, #ARGV do
  local id, delivery, body = ARGV[i], KEYS[2 * i - 3], KEYS[2 * i - 2]
  local verdict = verdict_of(id, delivery)
  if verdict == 'gone' or verdict == 'leased' or verdict == 'waiting' then
    answers[i - 3] = {verdict}
  else
    head = math.max(head, tonumber(redis.call('ZSCORE', KEYS[1], id) or 0))
    -- The lease is taken for the last rites too: two workers must not both bury it.
    redis.call('ZREM', KEYS[1], id)
    redis.call('ZREM', KEYS[3], id)
    redis.call('ZADD', KEYS[2], now + lease, id)
    local failed = redis.call('HGET', delivery, 'failed') or '0'
    if verdict == 'run' then
      redis.call('HINCRBY', delivery, 'attempts', 1)
      redis.call('HSETNX', delivery, 'first', now)
    end
    local f = redis.call('HMGET', delivery, 'attempts', 'input', 'rules', 'accepted', 'first',
      'redrives', 'error_type', 'error')
    answers[i - 3] = {verdict, f[1], redis.call('GET', body) or '', f[2] or '', f[3], f[4],
      f[5] or '0', f[6] or '0', string.format('%.6f', now), f[7] or '', f[8] or '', failed}
  end
end
redis.call('HSET', KEYS[4], 'head', string.format('%.6f', head))
return answers
