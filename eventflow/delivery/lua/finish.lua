-- Record how a list of one target's deliveries went; each on its own. What the calls tell of the
-- target moves its circuit breaker.
--
-- KEYS 1            zset   running:<target>
-- KEYS 2, 3         hash   counts:<target> (delivered, retried, dead), breaker:<target>
-- ARGV 1            seconds to remember an event once all is delivered
-- ARGV 2, 3         the beginning of the bus's keys, the target's name; from them and the rest follows
--                   which delivery:<id>, event:<id> and body:<id> are touched, and where it was not a
--                   success queued:<target>, waiting:<target> and parked:<target>, dead-letters,
--                   queued:eventflow.dead-letters and counts:eventflow.dead-letters (registered)
-- ARGV 4, 5         the delivery that is begun next, of those that its owner has reserved, or ''; the
--                   owner
-- ARGV 6            the target's limits
-- then 5 each       id, attempt, outcome, the call: 1, 0 or '' (none made), its seconds or ''
--   done
--   release           given back untried: the attempt is not counted. In place of its seconds: when its
--                     lease ends, or ''; where another lease has been taken since, nothing is given back
--   retry, dead       5 more: seconds until it is due, or the dead letter as JSON; error type, error;
--                     for the journal: the reason of a death; the attempt's traceparent or ''
-- Returns a text: what became of the breaker (opened, reopened, closed or nothing), a space, and for
-- each delivery 1, or 0 when it was finished before or another has claimed it since
--# include journal
--# include limits
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local prefix, name = ARGV[2], ARGV[3]
local running, counts, breaker = KEYS[1], KEYS[2], KEYS[3]
local change = '' -- of the breaker

-- Of this script's time a tenth goes into making its functions, which is done at each call: what a
-- success does not need is made within what does.

-- Have it be nowhere; mostly it runs.
local function take_out(id)
  if redis.call('ZREM', running, id) == 0 then
    for _, place in ipairs({'queued:', 'waiting:', 'parked:'}) do
      redis.call('ZREM', prefix .. place .. name, id)
    end
  end
end

-- A delivery that its owner has reserved and not begun: it is begun by saying how it went, where the
-- word that it is begun was lost. Returns its attempts, and whether it was not tried at all.
local function begun(delivery, attempt, outcome)
  local kept = redis.call('HMGET', delivery, 'attempts', 'ahead', 'owner')
  if not kept[1] or kept[2] ~= '1' or (ARGV[5] ~= '' and ARGV[5] ~= kept[3])
    or kept[1] + 1 ~= tonumber(attempt) then
    return kept[1], false
  end
  redis.call('HDEL', delivery, 'ahead')
  if outcome == 'release' then
    return attempt, true
  end
  redis.call('HINCRBY', delivery, 'attempts', 1)
  return attempt, false
end

local function close(id, delivery)
  local event_id = string.sub(id, 1, -#name - 2)
  local event = prefix .. 'event:' .. event_id
  redis.call('DEL', delivery)
  take_out(id)
  local left = redis.call('HINCRBY', event, 'left', -1)
  if left < 0 and redis.call('HLEN', event) == 1 then
    redis.call('EXPIRE', event, 0) -- there was none: someone has taken it out
  elseif left <= 0 then
    redis.call('DEL', prefix .. 'body:' .. event_id)
    redis.call('EXPIRE', event, ARGV[1])
  end
end

-- Have a failure, or a death, in its place; or what is given back.
local function put_back(said, delivery, is_untried)
  if said.outcome == 'dead' then
    local letters = 'eventflow.dead-letters'
    redis.call('HSET', prefix .. 'dead-letters', said.id, said.value)
    redis.call('HINCRBY', prefix .. 'counts:' .. letters, 'registered',
      redis.call('ZADD', prefix .. 'queued:' .. letters, now, said.id))
    close(said.id, delivery)
    redis.call('HINCRBY', counts, 'dead', 1)
    return
  end
  -- Its lease may have ended, so that it was queued, or parked, meanwhile: it is in one place.
  take_out(said.id)
  if said.outcome == 'retry' then
    redis.call('ZADD', prefix .. 'waiting:' .. name, now + tonumber(said.value), said.id)
    redis.call('HSET', delivery, 'failed', said.attempt, 'error_type', said.error_type,
      'error', said.error)
    if said.trace ~= '' then
      redis.call('HSET', delivery, 'trace', said.trace)
    end
    redis.call('HINCRBY', counts, 'retried', 1)
  else
    if not is_untried then
      redis.call('HINCRBY', delivery, 'attempts', -1)
    end
    redis.call('ZADD', prefix .. 'queued:' .. name, now, said.id)
  end
end

-- Have a call move the breaker, which is in that state.
local function note_call(said, state, probe, limits)
  local error = said.error
  if said.error_type ~= '' then
    error = said.error_type .. ': ' .. error
  end

  -- Open it; a probe that failed leaves the counts of the first time, which say why it is open.
  local function open(how, calls, failed)
    redis.call('DEL', breaker)
    redis.call('HSET', breaker, 'state', 'open', 'since', now, 'until', now + limits.open_for,
      'calls', calls, 'failed', failed, 'error', error)
    change = how
  end

  -- Count a call in its tenth of the window, and return the calls and the failed ones of the window.
  local function count_call(is_failed)
    local tenth = math.floor(now / (limits.window / 10))
    if redis.call('HINCRBY', breaker, 'c' .. tenth, 1) > 1 and not is_failed then
      return 0, 0
    end
    if is_failed then
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

  if state == 'closed' then
    local calls, failed = count_call(said.call == '0')
    if said.call == '0' and calls >= limits.min_calls and failed / calls >= limits.failure_rate then
      open('opened', calls, failed)
    end
  elseif state == 'half_open' and probe == said.id then
    if said.call == '0' then
      local first = redis.call('HMGET', breaker, 'calls', 'failed', 'reason')
      open('reopened', first[1] or '', first[2] or '')
      redis.call('HSET', breaker, 'reason', first[3] or '')
    elseif said.call == '' then
      redis.call('HDEL', breaker, 'probe', 'probe_until')
    elseif redis.call('HINCRBY', breaker, 'passed', 1) >= limits.probes then
      redis.call('DEL', breaker)
      redis.call('HSET', breaker, 'state', 'closed', 'since', now)
      change = 'closed'
    else
      redis.call('HDEL', breaker, 'probe', 'probe_until')
    end
  end
end

-- Write down an attempt, and what it did to the breaker.
local function note_attempt(said, breaker_change)
  local fields = {'d', said.id, 'n', said.attempt, 'o', said.outcome, 'l', said.seconds}
  if said.seconds == '' then
    fields[8], fields[7] = nil, nil
  end
  if said.outcome ~= 'done' or breaker_change ~= '' then
    local MOST_ERROR, facts = 200, {} -- bytes of an error's text
    local function add(words, name_, value)
      if value ~= '' then
        words[#words + 1] = name_
        words[#words + 1] = value
      end
    end
    add(fields, 'u', said.outcome == 'retry' and now + tonumber(said.value) or '')
    add(fields, 'k', said.error_type)
    add(fields, 'x', string.sub(said.error, 1, MOST_ERROR))
    if said.reason ~= '' then
      facts[1] = '"reason":"' .. said.reason .. '"'
    end
    if breaker_change ~= '' then
      facts[#facts + 1] = '"breaker":"' .. breaker_change .. '"'
    end
    add(fields, 'f', #facts > 0 and '{' .. table.concat(facts, ',') .. '}' or '')
  end
  note('attempt', unpack(fields))
end

-- Returns whether it is recorded: it was not finished before, and no other has claimed it since.
local function record(said)
  local delivery = prefix .. 'delivery:' .. said.id
  if said.outcome == 'release' and said.seconds ~= '' then
    local ends = tonumber(redis.call('ZSCORE', running, said.id) or 0)
    if math.abs(ends - tonumber(said.seconds)) > 0.00001 then
      return false
    end
    said.seconds = ''
  end
  local attempts, is_untried = begun(delivery, said.attempt, said.outcome)
  if attempts and said.outcome == 'done' then
    -- A success counts even when it comes after its lease: nobody is to do it once more.
    close(said.id, delivery)
    redis.call('HINCRBY', counts, 'delivered', 1)
    redis.call('HDEL', counts, 'unserved')
  elseif attempts == said.attempt then
    put_back(said, delivery, is_untried)
  else
    return false
  end
  if not is_untried then
    local before, state, _, probe = change, breaker_of(breaker, now)
    if state ~= 'closed' or said.call ~= '' then
      local limits = read_limits(ARGV[6])
      if state ~= 'closed' or limits.failure_rate then
        note_call(said, state, probe, limits)
      end
    end
    note_attempt(said, change ~= before and change or '')
  end
  return true
end

local recorded, at = '', 7
while at <= #ARGV do
  local said = {id = ARGV[at], attempt = ARGV[at + 1], outcome = ARGV[at + 2], call = ARGV[at + 3],
    seconds = ARGV[at + 4], value = '', error_type = '', error = '', reason = '', trace = ''}
  at = at + 5
  if said.outcome ~= 'done' and said.outcome ~= 'release' then
    said.value, said.error_type, said.error = ARGV[at], ARGV[at + 1], ARGV[at + 2]
    said.reason, said.trace = ARGV[at + 3], ARGV[at + 4]
    at = at + 5
  end
  recorded = recorded .. (record(said) and '1' or '0')
end
if ARGV[4] ~= '' then
  local delivery = prefix .. 'delivery:' .. ARGV[4]
  local kept = redis.call('HMGET', delivery, 'ahead', 'owner', 'attempts', 'first')
  if kept[1] == '1' and kept[2] == ARGV[5] then
    redis.call('HSET', delivery, 'ahead', 0, 'attempts', kept[3] + 1,
      'first', kept[4] or string.format('%.6f', now))
  end
end
return change .. ' ' .. recorded
