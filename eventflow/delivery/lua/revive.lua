-- Redrive one dead letter: its delivery is registered again with a fresh budget. Safe to repeat: the
-- same redrive (the letter's count of redrives) revives once, even when it has succeeded since.
--
-- KEYS 1..3         hash   delivery:<id>, hash event:<event id>, string body:<event id>
-- KEYS 4..6         zset   queued:<target>, hash counts:<target>, hash pause:<target>
-- ARGV 1..3         the delivery's id, the target's name, redrives so far
-- ARGV 4..7         the event as JSON, its type, its rules as JSON, its input as JSON or ''
-- Returns 1, or 0 when it is in flight or was revived before
--# include journal
--# include lists
--# include pauses
--# include registering
local mark = 'redrives:' .. ARGV[2]
local redrives = tonumber(ARGV[3]) + 1
if redis.call('EXISTS', KEYS[1]) == 1 then
  return 0
end
if tonumber(redis.call('HGET', KEYS[2], mark) or 0) >= redrives then
  return 0
end
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
redis.call('HSET', KEYS[1], 'attempts', 0, 'type', ARGV[5], 'rules', ARGV[6], 'accepted', now,
  'redrives', redrives)
if ARGV[7] ~= '' then
  redis.call('HSET', KEYS[1], 'input', ARGV[7])
end
redis.call('HSET', KEYS[2], 'state', 'routed', mark, redrives)
redis.call('HINCRBY', KEYS[2], 'left', 1)
redis.call('PERSIST', KEYS[2])
redis.call('SET', KEYS[3], ARGV[4], 'NX')
local paused = pause_of(KEYS[6], now)
if paused > 0 then
  redis.call('HSET', KEYS[1], 'paused', paused)
end
register({ARGV[1]}, KEYS[4], KEYS[5], now)
note('redriven', 'd', ARGV[1], 'f', '{"redrives":' .. redrives .. '}')
return 1
