-- Messages are calls: one says that there is something to do on a queue, and who takes it does more.
-- So no second one is sent while one is on its way. Included by what queues, and by what takes.
--
-- counts:<name>      called: when the last message was sent that nobody has taken yet

-- Returns 1 when a message is to be sent, and notes that it is: none is on its way, or the last one
-- has been for so many seconds that it may be lost.
local function call(counts, now, patience)
  if now - tonumber(redis.call('HGET', counts, 'called') or 0) < patience then
    return 0
  end
  redis.call('HSET', counts, 'called', string.format('%.6f', now))
  return 1
end
