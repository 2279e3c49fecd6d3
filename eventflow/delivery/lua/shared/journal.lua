-- The journal: each step is written down in the same atomic step as it happens. Included at the top,
-- since it takes the journal's own keys and argument off the ends of KEYS and ARGV: what follows
-- counts its own alone.
--
-- KEYS, last two    stream journal              entries, until they are in the store
--                   hash   counts:eventflow.journal   dropped
-- ARGV, last        the most entries that may wait; 0: nothing is written down
local journal_counts, journal = table.remove(KEYS), table.remove(KEYS)
local journal_most, journal_room = tonumber(table.remove(ARGV)), nil

-- Write an entry: its step, then names and values of fields, as eventflow/journal.py has them.
local function note(step, ...)
  if journal_most == 0 then
    return
  end
  journal_room = journal_room or journal_most - redis.call('XLEN', journal)
  if journal_room <= 0 then
    redis.call('HINCRBY', journal_counts, 'dropped', 1)
    return
  end
  journal_room = journal_room - 1
  redis.call('XADD', journal, '*', 's', step, ...)
end
