-- Messages are calls: one says that there is something to do on a queue, and who takes it does more.
-- So no second one is sent while one is on its way. Included by what queues, and by what takes.
--
-- counts:<name>      called: when the last message was sent that nobody has taken yet

-- Whether one is on its way: one was sent that nobody has taken, and not so long ago that it may be lost.
local function is_on_its_way(counts, now, patience)
  return now - tonumber(redis.call('HGET', counts, 'called') or 0) < patience
end

-- Returns 1 when a message is to be sent, since none is on its way, and notes that it is.
local function call(counts, now, patience)
  if is_on_its_way(counts, now, patience) then
    return 0
  end
  redis.call('HSET', counts, 'called', string.format('%.6f', now))
  return 1
end
