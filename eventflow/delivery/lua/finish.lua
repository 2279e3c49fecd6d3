-- Record how a list of one target's deliveries went; each on its own.
--
-- KEYS 1..3         zset   queued:<target>, running:<target>, waiting:<target>
-- KEYS 4            hash   counts:<target>          delivered, retried, dead
-- KEYS 5, 6         hash   dead-letters, zset queued:eventflow.dead-letters
-- KEYS 3i+4 ..      hash   delivery:<id>, hash event:<event id>, string body:<event id>
-- ARGV 1            seconds to remember an event once all is delivered
-- then 6 each       id, attempt, outcome, value, error type, error
--   done              value ''
--   retry             value: seconds until it is due
--   dead              value: the dead letter as JSON
--   release           value ''; given back untried: the attempt is not counted
-- Returns per delivery: 1, or 0 when it was finished before or another has claimed it since
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local answers = {}

local function close(id, delivery, event, body)
  redis.call('DEL', delivery)
  for key = 1, 3 do
    redis.call('ZREM', KEYS[key], id)
  end
  if redis.call('EXISTS', event) == 1 and redis.call('HINCRBY', event, 'left', -1) <= 0 then
    redis.call('DEL', body)
    redis.call('EXPIRE', event, ARGV[1])
  end
end

for i = 1, (#ARGV - 1) / 6 do
  local at = 6 * i - 4
  local id, attempt, outcome, value = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  local delivery, event, body = KEYS[3 * i + 4], KEYS[3 * i + 5], KEYS[3 * i + 6]
  local attempts = redis.call('HGET', delivery, 'attempts')
  answers[i] = 0
  if attempts and outcome == 'done' then
    -- A success counts even when it comes after its lease: nobody is to do it once more.
    close(id, delivery, event, body)
    redis.call('HINCRBY', KEYS[4], 'delivered', 1)
    answers[i] = 1
  elseif attempts == attempt then
    if outcome == 'dead' then
      redis.call('HSET', KEYS[5], id, value)
      redis.call('ZADD', KEYS[6], now, id)
      close(id, delivery, event, body)
      redis.call('HINCRBY', KEYS[4], 'dead', 1)
    else
      redis.call('ZREM', KEYS[2], id)
      if outcome == 'retry' then
        redis.call('ZREM', KEYS[1], id)
        redis.call('ZADD', KEYS[3], now + tonumber(value), id)
        redis.call('HSET', delivery, 'failed', attempt, 'error_type', ARGV[at + 4],
          'error', ARGV[at + 5])
        redis.call('HINCRBY', KEYS[4], 'retried', 1)
      else
        redis.call('HINCRBY', delivery, 'attempts', -1)
        redis.call('ZADD', KEYS[1], now, id)
      end
    end
    answers[i] = 1
  end
end
return answers
