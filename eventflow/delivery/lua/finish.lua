-- Record how a list of one target's deliveries went; each on its own. What the calls tell of the
-- target moves its circuit breaker.
--
-- KEYS 1..4         zset   queued:<target>, running:<target>, waiting:<target>, parked:<target>
-- KEYS 5, 6         hash   counts:<target> (delivered, retried, dead), hash breaker:<target>
-- KEYS 7, 8         hash   dead-letters, zset queued:eventflow.dead-letters
-- KEYS 9            hash   counts:eventflow.dead-letters (registered)
-- ARGV 1            seconds to remember an event once all is delivered
-- ARGV 2, 3         the beginning of the bus's keys (which delivery:<id>, event:<id> and body:<id> are
--                   touched follows from the rest), the target's name
-- ARGV 4, 5         the delivery that is begun next, of those that its owner has reserved, or ''; the
--                   owner
-- ARGV 6..13        the target's limits
-- then 10 each      id, attempt, outcome, value, error type, error, the call: 1, 0 or '' (none made);
--                   for the journal: its seconds or '', the reason of a death; the attempt's
--                   traceparent or ''
--   done              value ''
--   retry             value: seconds until it is due
--   dead              value: the dead letter as JSON
--   release           value ''; given back untried: the attempt is not counted
-- Returns what became of the breaker ('', opened, reopened, closed), then per delivery: 1, or 0
-- when it was finished before or another has claimed it since
--# include journal
--# include limits
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local prefix, name = ARGV[2], ARGV[3]
local limits = read_limits(6)
local counts, breaker = KEYS[5], KEYS[6]
local answers = {''}
local FIELDS = 10
local MOST_ERROR = 200 -- bytes of an error's text in the journal

-- Have it be nowhere; mostly it runs.
local function take_out(id)
  if redis.call('ZREM', KEYS[2], id) == 0 then
    for _, key in ipairs({1, 3, 4}) do
      redis.call('ZREM', KEYS[key], id)
    end
  end
end

-- A delivery that its owner has reserved and not begun: it is begun by saying how it went, where the
-- word that it is begun was lost. Returns its attempts, and whether it was not tried at all.
local function begun(delivery, attempt, outcome)
  local kept = redis.call('HMGET', delivery, 'attempts', 'ahead', 'owner')
  if not kept[1] or kept[2] ~= '1' or (ARGV[5] ~= '' and ARGV[5] ~= kept[3]) or kept[1] + 1 ~= tonumber(attempt) then
    return kept[1], false
  end
  redis.call('HDEL', delivery, 'ahead')
  if outcome == 'release' then
    return attempt, true
  end
  redis.call('HINCRBY', delivery, 'attempts', 1)
  return attempt, false
end

local function close(id, delivery, event, body)
  redis.call('DEL', delivery)
  take_out(id)
  if redis.call('EXISTS', event) == 1 and redis.call('HINCRBY', event, 'left', -1) <= 0 then
    redis.call('DEL', body)
    redis.call('EXPIRE', event, ARGV[1])
  end
end

-- Open it; a probe that failed leaves the counts of the first time, which say why it is open.
local function open(change, calls, failed, error)
  redis.call('DEL', breaker)
  redis.call('HSET', breaker, 'state', 'open', 'since', now, 'until', now + (limits.open_for or 0),
    'calls', calls, 'failed', failed, 'error', error)
  answers[1] = change
end

-- Count a call in its tenth of the window, and return the calls and the failed ones of the window.
local function count_call(failed)
  local tenth = math.floor(now / (limits.window / 10))
  if redis.call('HINCRBY', breaker, 'c' .. tenth, 1) > 1 and not failed then
    return 0, 0
  end
  if failed then
    redis.call('HINCRBY', breaker, 'f' .. tenth, 1)
  end
  local sums = {c = 0, f = 0}
  local kept = redis.call('HGETALL', breaker)
  for i = 1, #kept, 2 do
    local kind, number = string.match(kept[i], '^([cf])(%d+)$')
    if kind and tonumber(number) <= tenth - 10 then
      redis.call('HDEL', breaker, kept[i])
    elseif kind then
      sums[kind] = sums[kind] + tonumber(kept[i + 1])
    end
  end
  return sums.c, sums.f
end

local function note_call(id, call, error)
  local state, _, probe = breaker_of(breaker, now)
  if state == 'closed' then
    if limits.failure_rate and call ~= '' then
      local calls, failed = count_call(call == '0')
      if call == '0' and calls >= limits.min_calls and failed / calls >= limits.failure_rate then
        open('opened', calls, failed, error)
      end
    end
  elseif state == 'half_open' and probe == id then
    if call == '0' then
      local first = redis.call('HMGET', breaker, 'calls', 'failed', 'reason')
    open('reopened', first[1] or '', first[2] or '', error)
    redis.call('HSET', breaker, 'reason', first[3] or '')
    elseif call == '' then
      redis.call('HDEL', breaker, 'probe', 'probe_until')
    elseif redis.call('HINCRBY', breaker, 'passed', 1) >= (limits.probes or 1) then
      redis.call('DEL', breaker)
      redis.call('HSET', breaker, 'state', 'closed', 'since', now)
      answers[1] = 'closed'
    else
      redis.call('HDEL', breaker, 'probe', 'probe_until')
    end
  end
end

local function note_attempt(at, change)
  local outcome, facts = ARGV[at + 2], {}
  local fields = {'d', ARGV[at], 'n', ARGV[at + 1], 'o', outcome}
  local function add(name, value)
    if value ~= '' then
      fields[#fields + 1] = name
      fields[#fields + 1] = value
    end
  end
  add('l', ARGV[at + 7])
  add('u', outcome == 'retry' and now + tonumber(ARGV[at + 3]) or '')
  add('k', ARGV[at + 4])
  add('x', string.sub(ARGV[at + 5], 1, MOST_ERROR))
  if ARGV[at + 8] ~= '' then
    facts[1] = '"reason":"' .. ARGV[at + 8] .. '"'
  end
  if change ~= '' then
    facts[#facts + 1] = '"breaker":"' .. change .. '"'
  end
  add('f', #facts > 0 and '{' .. table.concat(facts, ',') .. '}' or '')
  note('attempt', unpack(fields))
end

for i = 1, (#ARGV - 5 - LIMITS) / FIELDS do
  local at = FIELDS * (i - 1) + 6 + LIMITS
  local id, attempt, outcome, value = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  local error_type, error, call = ARGV[at + 4], ARGV[at + 5], ARGV[at + 6]
  local event_id = string.sub(id, 1, -#name - 2)
  local delivery = prefix .. 'delivery:' .. id
  local event, body = prefix .. 'event:' .. event_id, prefix .. 'body:' .. event_id
  local attempts, is_untried = begun(delivery, attempt, outcome)
  answers[i + 1] = 0
  if attempts and outcome == 'done' then
    -- A success counts even when it comes after its lease: nobody is to do it once more.
    close(id, delivery, event, body)
    redis.call('HINCRBY', counts, 'delivered', 1)
    redis.call('HDEL', counts, 'unserved')
    answers[i + 1] = 1
  elseif attempts == attempt then
    if outcome == 'dead' then
      redis.call('HSET', KEYS[7], id, value)
      redis.call('HINCRBY', KEYS[9], 'registered', redis.call('ZADD', KEYS[8], now, id))
      close(id, delivery, event, body)
      redis.call('HINCRBY', counts, 'dead', 1)
    else
      -- Its lease may have ended, so that it was queued, or parked, meanwhile: it is in one place.
      take_out(id)
      if outcome == 'retry' then
        redis.call('ZADD', KEYS[3], now + tonumber(value), id)
        redis.call('HSET', delivery, 'failed', attempt, 'error_type', error_type, 'error', error)
        if ARGV[at + 9] ~= '' then
          redis.call('HSET', delivery, 'trace', ARGV[at + 9])
        end
        redis.call('HINCRBY', counts, 'retried', 1)
      else
        if not is_untried then
          redis.call('HINCRBY', delivery, 'attempts', -1)
        end
        redis.call('ZADD', KEYS[1], now, id)
      end
    end
    answers[i + 1] = 1
  end
  if answers[i + 1] == 1 and not is_untried then
    local before = answers[1]
    note_call(id, call, error_type == '' and error or (error_type .. ': ' .. error))
    note_attempt(at, answers[1] ~= before and answers[1] or '')
  end
end
if ARGV[4] ~= '' then
  local delivery = prefix .. 'delivery:' .. ARGV[4]
  local kept = redis.call('HMGET', delivery, 'ahead', 'owner', 'attempts', 'first')
  if kept[1] == '1' and kept[2] == ARGV[5] then
    redis.call('HSET', delivery, 'ahead', 0, 'attempts', kept[3] + 1,
      'first', kept[4] or string.format('%.6f', now))
  end
end
return answers
