-- The archive: one row for each event and acceptance, whatever the number of archives that hold it.
-- A partition for each day of `accepted_at`, made when its first event comes and dropped as a whole:
-- to delete a day costs nothing. `archives` is a line for each archive, with a line break before the
-- first and after the last. `coding` says how `body` is to be read; it is last, since it is the large one.
CREATE TABLE eventflow_archive (
    bus TEXT NOT NULL,
    event_id TEXT NOT NULL,
    accepted_at DOUBLE PRECISION NOT NULL,
    source TEXT NOT NULL,
    type TEXT NOT NULL,
    archives TEXT NOT NULL,
    kept_until DOUBLE PRECISION NOT NULL,
    size BIGINT NOT NULL,
    coding TEXT NOT NULL,
    body BYTEA NOT NULL,
    PRIMARY KEY (bus, accepted_at, event_id)
) PARTITION BY RANGE (accepted_at);

CREATE INDEX eventflow_archive_event ON eventflow_archive (event_id COLLATE "C");
CREATE INDEX eventflow_archive_type ON eventflow_archive (bus, type, accepted_at, event_id);
CREATE INDEX eventflow_archive_kept ON eventflow_archive (kept_until);
