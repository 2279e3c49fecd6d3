-- Record how a list of one target's deliveries went; each on its own. What the calls tell of the
-- target moves its circuit breaker.
--
-- KEYS 1            zset   running:<target>
-- KEYS 2, 3         hash   counts:<target> (delivered, retried, dead), breaker:<target>
-- KEYS 4            list   told:<target>:<owner>, which this makes needless; only where it was told
-- ARGV 1            seconds to remember an event once all is delivered
-- ARGV 2, 3         the beginning of the bus's keys, the target's name; from them and the rest follows
--                   which delivery:<id>, event:<id> and body:<id> are touched, and where it was not a
--                   success queued:<target>, waiting:<target> and parked:<target>, dead-letters,
--                   queued:eventflow.dead-letters and counts:eventflow.dead-letters (registered)
-- ARGV 4, 5         the delivery that is begun next, of those that its owner has reserved, or ''; the
--                   owner
-- ARGV 6, 7         the target's limits; of what was told the last one's id
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
--# include lists
--# include successes
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local window, prefix, name, owner = ARGV[1], ARGV[2], ARGV[3], ARGV[5]
local running, counts, breaker = KEYS[1], KEYS[2], KEYS[3]
local state, _, probe = breaker_of(breaker, now)
local limits = read_limits(ARGV[6])
local change = '' -- of the breaker

-- A delivery that its owner has reserved and not begun: it is begun by saying how it went, where the
-- word that it is begun was lost. Returns its attempts, and whether it was not tried at all.
local function begun(delivery, attempt, outcome)
  local kept = redis.call('HMGET', delivery, 'attempts', 'ahead', 'owner')
  if not kept[1] or kept[2] ~= '1' or (owner ~= '' and owner ~= kept[3])
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

-- Have a failure, or a death, in its place; or what is given back.
local function put_back(said, delivery, is_untried)
  -- Its lease may have ended, so that it was queued, or parked, meanwhile: it is in one place.
  take_out(prefix, name, {said.id})
  if said.outcome == 'dead' then
    local letters = 'eventflow.dead-letters'
    redis.call('HSET', prefix .. 'dead-letters', said.id, said.value)
    redis.call('HINCRBY', prefix .. 'counts:' .. letters, 'registered',
      redis.call('ZADD', prefix .. 'queued:' .. letters, now, said.id))
    forget(prefix, name, said.id, window)
    redis.call('HINCRBY', counts, 'dead', 1)
  elseif said.outcome == 'retry' then
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

-- Count calls in their tenth of the window. Returns the calls and the failed ones of the window, where
-- they may matter.
local function count_calls(number, is_failed)
  local tenth = math.floor(now / (limits.window / 10))
  if redis.call('HINCRBY', breaker, 'c' .. tenth, number) > number and not is_failed then
    return 0, 0
  end
  if is_failed then
    redis.call('HINCRBY', breaker, 'f' .. tenth, number)
  end
  local sums = {c = 0, f = 0}
  local kept = redis.call('HGETALL', breaker)
  for i = 1, #kept, 2 do
    local kind, at = string.match(kept[i], '^([cf])(%d+)$')
    if kind and tonumber(at) <= tenth - 10 then
      redis.call('HDEL', breaker, kept[i])
    elseif kind then
      sums[kind] = sums[kind] + tonumber(kept[i + 1])
    end
  end
  return sums.c, sums.f
end

-- Have a call move the breaker. Returns what became of it, or ''.
local function note_call(said)
  local function open(how, calls, failed)
    local error = said.error
    if said.error_type ~= '' then
      error = said.error_type .. ': ' .. error
    end
    redis.call('DEL', breaker)
    redis.call('HSET', breaker, 'state', 'open', 'since', now, 'until', now + limits.open_for,
      'calls', calls, 'failed', failed, 'error', error)
    return how
  end

  if state == 'closed' then
    if said.call == '' or not limits.failure_rate then
      return ''
    end
    local calls, failed = count_calls(1, said.call == '0')
    if said.call == '0' and calls >= limits.min_calls and failed / calls >= limits.failure_rate then
      return open('opened', calls, failed)
    end
  elseif state == 'half_open' and probe == said.id then
    if said.call == '0' then
      -- A probe that failed leaves the counts of the first time, which say why it is open.
      local first = redis.call('HMGET', breaker, 'calls', 'failed', 'reason')
      open('reopened', first[1] or '', first[2] or '')
      redis.call('HSET', breaker, 'reason', first[3] or '')
      return 'reopened'
    elseif said.call == '' then
      redis.call('HDEL', breaker, 'probe', 'probe_until')
    elseif redis.call('HINCRBY', breaker, 'passed', 1) >= limits.probes then
      redis.call('DEL', breaker)
      redis.call('HSET', breaker, 'state', 'closed', 'since', now)
      return 'closed'
    else
      redis.call('HDEL', breaker, 'probe', 'probe_until')
    end
  end
  return ''
end

-- Write down an attempt, and what it did to the breaker.
local function note_attempt(said, breaker_change)
  local MOST_ERROR, facts = 200, {} -- bytes of an error's text
  local fields = {'d', said.id, 'n', said.attempt, 'o', said.outcome}
  local function add(words, name_, value)
    if value ~= '' then
      words[#words + 1] = name_
      words[#words + 1] = value
    end
  end
  add(fields, 'l', said.seconds)
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
  note('attempt', unpack(fields))
end

-- Have an attempt that was made move the breaker, and be written down.
local function note_made(said)
  local its_change = note_call(said)
  if its_change ~= '' then
    change = its_change
    state, _, probe = breaker_of(breaker, now)
  end
  note_attempt(said, its_change)
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
  if attempts ~= said.attempt then
    return false
  end
  put_back(said, delivery, is_untried)
  if not is_untried then
    note_made(said)
  end
  return true
end

local recorded, others, at, calls, ids = {}, {}, 8, 0, {}
while at <= #ARGV do
  local id, attempt, outcome, call, seconds = unpack(ARGV, at, at + 4)
  local is_done = outcome == 'done'
  recorded[#recorded + 1] = is_done and forget(prefix, name, id, window) and '1' or '0'
  at = at + 5
  if is_done and recorded[#recorded] == '1' then
    ids[#ids + 1] = id
    if state == 'closed' then
      calls = calls + (call == '' and 0 or 1)
      note_success(id, attempt, seconds)
    else
      note_made({id = id, attempt = attempt, outcome = outcome, call = call, seconds = seconds,
        error_type = '', error = '', reason = ''})
    end
  elseif not is_done then
    local said = {id = id, attempt = attempt, outcome = outcome, call = call, seconds = seconds,
      value = '', error_type = '', error = '', reason = '', trace = ''}
    if outcome ~= 'release' then
      said.value, said.error_type, said.error, said.reason, said.trace = unpack(ARGV, at, at + 4)
      at = at + 5
    end
    others[#recorded] = said
  end
end
count_successes(prefix, name, ids)
if calls > 0 and limits.failure_rate then
  count_calls(calls, false)
end
for number = 1, #recorded do
  if others[number] and record(others[number]) then
    recorded[number] = '1'
  end
end
if ARGV[4] ~= '' then
  begin(prefix .. 'delivery:' .. ARGV[4], owner, now)
end
-- This may come late, out of a network that stood still: then other things are told there by now.
if KEYS[4] and redis.call('LRANGE', KEYS[4], -4, -4)[1] == ARGV[7] then
  redis.call('DEL', KEYS[4])
end
return change .. ' ' .. table.concat(recorded)
