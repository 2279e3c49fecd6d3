-- Note that a queue's canary has been taken from it: somebody reads it.
--
-- KEYS 1            hash   canary:<queue>           answered, since
local time = redis.call('TIME')
redis.call('HSET', KEYS[1], 'answered', time[1] + time[2] / 1000000)
redis.call('HDEL', KEYS[1], 'since')
return 1
