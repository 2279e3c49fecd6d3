-- Dead letters: one row for each delivery that died, or message that could not be read.
-- Written in the SQL that SQLite and PostgreSQL share; statements end with a semicolon.
-- Times are seconds since the epoch, 0 where unknown. `rules` is a line for each rule, with a line
-- break before the first and after the last. `record` is last, since it is the large one: a reader of
-- the other columns need not load it.
CREATE TABLE eventflow_dead_letters (
    id TEXT NOT NULL PRIMARY KEY,
    bus TEXT NOT NULL,
    target TEXT NOT NULL,
    reason TEXT NOT NULL,
    rules TEXT NOT NULL,
    event_id TEXT NOT NULL,
    event_type TEXT NOT NULL,
    source TEXT NOT NULL,
    error_type TEXT NOT NULL,
    error TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    accepted_at DOUBLE PRECISION NOT NULL,
    first_attempt_at DOUBLE PRECISION NOT NULL,
    first_died_at DOUBLE PRECISION NOT NULL,
    died_at DOUBLE PRECISION NOT NULL,
    state TEXT NOT NULL,
    redrives BIGINT NOT NULL,
    redriven_at DOUBLE PRECISION NOT NULL,
    recorded_redrives BIGINT NOT NULL,
    record TEXT NOT NULL
);

-- Each filter that people begin with, in the order that listings have: newest first, paged by key.
CREATE INDEX eventflow_dead_letters_newest ON eventflow_dead_letters (state, died_at, id);
CREATE INDEX eventflow_dead_letters_target ON eventflow_dead_letters (target, state, died_at, id);
CREATE INDEX eventflow_dead_letters_type ON eventflow_dead_letters (event_type, state, died_at, id);
CREATE INDEX eventflow_dead_letters_source ON eventflow_dead_letters (source, state, died_at, id);
CREATE INDEX eventflow_dead_letters_reason ON eventflow_dead_letters (reason, state, died_at, id);
CREATE INDEX eventflow_dead_letters_event ON eventflow_dead_letters (event_id);
