-- The audit: one row for each thing that a person did to a running system. Nobody changes a row;
-- those older than the retention are deleted as new ones are written.
CREATE TABLE eventflow_audit (
    id TEXT NOT NULL PRIMARY KEY,
    at DOUBLE PRECISION NOT NULL,
    who TEXT NOT NULL,
    what TEXT NOT NULL,
    target TEXT NOT NULL,
    count BIGINT NOT NULL,
    facts TEXT NOT NULL
);

CREATE INDEX eventflow_audit_newest ON eventflow_audit (at, id);

-- Dead letters by what failed: `place` is where in the user's code, `group_id` a digest of target,
-- error, place and the message without its numbers and ids. Both are empty in rows that an older
-- eventflow has written, until somebody asks for groups.
ALTER TABLE eventflow_dead_letters ADD COLUMN group_id TEXT NOT NULL DEFAULT '';
ALTER TABLE eventflow_dead_letters ADD COLUMN place TEXT NOT NULL DEFAULT '';

-- All that a list of groups asks for, so that it reads no row.
CREATE INDEX eventflow_dead_letters_groups
    ON eventflow_dead_letters (group_id, state, target, died_at, id);
