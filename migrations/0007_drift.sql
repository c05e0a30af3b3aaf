-- Records that are gone on one side, and drift that full readings find. docs/SCHEMA.md explains the tables.

-- The side on which a pair's record was not found when it was last read.
ALTER TABLE pairs ADD COLUMN gone TEXT CHECK (gone IN ('sentinel', 'halo'));

CREATE TABLE drifts (
  id        INTEGER NOT NULL PRIMARY KEY,
  pair      TEXT    NOT NULL,
  client    TEXT    NOT NULL,
  workspace TEXT    NOT NULL,
  class     TEXT    NOT NULL CHECK (class IN
    ('only-in-sentinel', 'only-in-halo', 'value', 'lost-comment', 'wrong-client')),
  rule      TEXT    NOT NULL CHECK (rule IN ('heal', 'ask', 'ignore')),
  what      TEXT    NOT NULL,
  found_ms  INTEGER NOT NULL
) STRICT;
CREATE INDEX drifts_by_time ON drifts (found_ms, id);
CREATE INDEX drifts_by_class ON drifts (class, found_ms, id);
CREATE INDEX drifts_by_workspace ON drifts (workspace, found_ms, id);

-- Kept counters: a page never counts rows.
CREATE TABLE drift_counts (
  client    TEXT    NOT NULL,
  workspace TEXT    NOT NULL,
  class     TEXT    NOT NULL,
  rule      TEXT    NOT NULL,
  drifts    INTEGER NOT NULL CHECK (drifts >= 0),
  PRIMARY KEY (client, workspace, class, rule)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER drifts_counted_in AFTER INSERT ON drifts BEGIN
  INSERT INTO drift_counts VALUES (new.client, new.workspace, new.class, new.rule, 1)
  ON CONFLICT DO UPDATE SET drifts = drifts + 1;
END;
