-- The incident of a pushed ticket is made by an operation. A closed list of kinds cannot be widened in place.
CREATE TABLE operations_wider (
  id         TEXT    NOT NULL PRIMARY KEY,
  client     TEXT    NOT NULL,
  pair       TEXT    NOT NULL REFERENCES pairs (id),
  position   INTEGER NOT NULL,
  kind       TEXT    NOT NULL CHECK (kind IN
    ('create-ticket', 'create-incident', 'update-ticket', 'add-note', 'add-comment', 'update-incident')),
  key        TEXT    NOT NULL,
  state      TEXT    NOT NULL CHECK (state IN
    ('planned', 'sending', 'outcome-unknown', 'done', 'dead', 'dropped', 'void')),
  state_json TEXT    NOT NULL,
  due_ms     INTEGER NOT NULL,
  attempts   INTEGER NOT NULL CHECK (attempts >= 0),
  failure    TEXT,
  planned_ms INTEGER NOT NULL,
  changed_ms INTEGER NOT NULL,
  body       BLOB    NOT NULL,
  UNIQUE (pair, position)
) STRICT;
INSERT INTO operations_wider SELECT * FROM operations ORDER BY rowid;
DROP TABLE operations;
ALTER TABLE operations_wider RENAME TO operations;
CREATE INDEX operations_due ON operations (due_ms, pair) WHERE state IN ('planned', 'sending', 'outcome-unknown');
CREATE INDEX operations_queued ON operations (pair, position) WHERE state IN ('planned', 'sending', 'outcome-unknown');
CREATE UNIQUE INDEX operations_once ON operations (pair, key)
  WHERE state IN ('planned', 'sending', 'outcome-unknown');
CREATE INDEX operations_dead ON operations (changed_ms) WHERE state = 'dead';
CREATE INDEX operations_done ON operations (changed_ms) WHERE state = 'done';
