-- Deliveries that have succeeded: recorded all at once, since each call has its price. Included by
-- finish, and by what finds that a worker has ended, with shared/journal.lua and shared/lists.lua.
--
-- told:<target>:<owner>   list   what an owner has said of a list of deliveries while it makes them: for
--                         each success its id, attempt, the seconds of its call or '', and the id of the
--                         delivery that was begun next. Nobody reads it while the owner lives: finish
--                         records them all, and deletes it. If the owner ends before, whoever finds
--                         what it had claimed records them.

-- Have a delivery, and what is known of its event once it was the last one, be forgotten. Returns
-- whether it was there still: a success counts even when it comes after its lease.
local function forget(prefix, name, id, window)
  if redis.call('DEL', prefix .. 'delivery:' .. id) == 0 then
    return false
  end
  local event_id = string.sub(id, 1, -#name - 2)
  local event = prefix .. 'event:' .. event_id
  local left = redis.call('HINCRBY', event, 'left', -1)
  if left < 0 and redis.call('HLEN', event) == 1 then
    redis.call('EXPIRE', event, 0) -- there was none: someone has taken it out
  elseif left <= 0 then
    redis.call('DEL', prefix .. 'body:' .. event_id)
    redis.call('EXPIRE', event, window)
  end
  return true
end

-- Have deliveries of a target be nowhere; mostly they run.
local function take_out(prefix, name, ids)
  if with_all('ZREM', prefix .. 'running:' .. name, ids) ~= #ids then
    for _, place in ipairs({'queued:', 'waiting:', 'parked:'}) do
      with_all('ZREM', prefix .. place .. name, ids)
    end
  end
end

-- Write down an attempt that has succeeded.
local function note_success(id, attempt, seconds)
  if seconds == '' then
    note('attempt', 'd', id, 'n', attempt, 'o', 'done')
  else
    note('attempt', 'd', id, 'n', attempt, 'o', 'done', 'l', seconds)
  end
end

-- Have deliveries that are forgotten be nowhere, and counted.
local function count_successes(prefix, name, ids)
  if #ids > 0 then
    local counts = prefix .. 'counts:' .. name
    take_out(prefix, name, ids)
    redis.call('HINCRBY', counts, 'delivered', #ids)
    redis.call('HDEL', counts, 'unserved')
  end
end

-- Begin a delivery that its owner has reserved, unless it has it no more.
local function begin(delivery, owner, now)
  local kept = redis.call('HMGET', delivery, 'ahead', 'owner', 'attempts', 'first')
  if kept[1] == '1' and kept[2] == owner then
    redis.call('HSET', delivery, 'ahead', 0, 'attempts', kept[3] + 1,
      'first', kept[4] or string.format('%.6f', now))
  end
end

-- Record what an owner had told when it ended, and begin what it had begun. Returns whether it had told
-- anything.
local function record_told(prefix, name, owner, window, now)
  local told = prefix .. 'told:' .. name .. ':' .. owner
  local said, ids = redis.call('LRANGE', told, 0, -1), {}
  for i = 1, #said, 4 do
    if forget(prefix, name, said[i], window) then
      ids[#ids + 1] = said[i]
      note_success(said[i], said[i + 1], said[i + 2])
    end
  end
  count_successes(prefix, name, ids)
  if #said == 0 then
    return false
  end
  begin(prefix .. 'delivery:' .. said[#said], owner, now)
  redis.call('DEL', told)
  return true
end
