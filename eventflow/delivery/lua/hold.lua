-- Take or keep the place of the one router that reconciles.
--
-- KEYS 1            string  overseer                the identity of who has it, which expires
-- ARGV 1, 2         the identity of who asks, milliseconds that it is given for
-- Returns 1, or 0 when another has it
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
