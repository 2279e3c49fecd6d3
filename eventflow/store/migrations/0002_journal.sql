-- The journal: one row for each step of an event or of one of its deliveries.
-- `id` is in the order of things within its bus; `at`, `due_at` are seconds since the epoch and
-- `duration` is in seconds, 0 where there is none. `facts` is JSON, empty where there are none.
CREATE TABLE eventflow_journal (
    bus TEXT NOT NULL,
    id TEXT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    step TEXT NOT NULL,
    event_id TEXT NOT NULL,
    replay_name TEXT NOT NULL,
    target TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    outcome TEXT NOT NULL,
    duration DOUBLE PRECISION NOT NULL,
    due_at DOUBLE PRECISION NOT NULL,
    error_type TEXT NOT NULL,
    error TEXT NOT NULL,
    facts TEXT NOT NULL,
    PRIMARY KEY (bus, id)
);

-- An event's story; and the whole in order of time, to page through it and to forget its oldest part.
CREATE INDEX eventflow_journal_event ON eventflow_journal (event_id, bus, id);
CREATE INDEX eventflow_journal_time ON eventflow_journal (at, bus, id);
