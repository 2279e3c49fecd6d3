-- Replays: one row for each, kept for good, so that a name is never given twice.
-- Times are seconds since the epoch, 0 where there is none. `arguments` says what is replayed, as JSON.
-- The cursor is the last archived event that was dealt with; empty before the first.
CREATE TABLE eventflow_replays (
    name TEXT NOT NULL PRIMARY KEY,
    bus TEXT NOT NULL,
    arguments TEXT NOT NULL,
    state TEXT NOT NULL,
    owner TEXT NOT NULL,
    started_by TEXT NOT NULL,
    cursor_at DOUBLE PRECISION NOT NULL,
    cursor_id TEXT NOT NULL,
    total BIGINT NOT NULL,
    seen BIGINT NOT NULL,
    sent BIGINT NOT NULL,
    note TEXT NOT NULL,
    started_at DOUBLE PRECISION NOT NULL,
    updated_at DOUBLE PRECISION NOT NULL,
    ended_at DOUBLE PRECISION NOT NULL
);

CREATE INDEX eventflow_replays_newest ON eventflow_replays (started_at, name);

-- The targets that an archived event was sent to when it was routed, a line for each: a target that is
-- started from a point in the past gets what it was not sent.
ALTER TABLE eventflow_archive ADD COLUMN targets TEXT NOT NULL DEFAULT '';
