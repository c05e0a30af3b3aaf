-- Saved views: the filter and order of a list under a name. Errands at pairs: one act at many linked incidents, fixed when it is
-- planned, carried out in the background. docs/SCHEMA.md explains the tables.
CREATE TABLE saved_views (
  id       TEXT    NOT NULL PRIMARY KEY,
  owner    TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  list     TEXT    NOT NULL,
  name     TEXT    NOT NULL COLLATE NOCASE,
  query    TEXT    NOT NULL,
  shared   INTEGER NOT NULL CHECK (shared IN (0, 1)),
  saved_ms INTEGER NOT NULL,
  UNIQUE (owner, name)
) STRICT;
CREATE INDEX saved_views_shared ON saved_views (shared);

CREATE TABLE pair_errands (
  id         TEXT    NOT NULL PRIMARY KEY,
  act        TEXT    NOT NULL,
  why        TEXT    NOT NULL,
  owner      TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  query      TEXT,
  planned_ms INTEGER NOT NULL,
  begun_ms   INTEGER,
  ended_ms   INTEGER,
  stopped    INTEGER NOT NULL CHECK (stopped IN (0, 1)),
  says       TEXT    NOT NULL
) STRICT;
CREATE INDEX pair_errands_of ON pair_errands (owner, planned_ms);
CREATE INDEX pair_errands_under_way ON pair_errands (begun_ms) WHERE begun_ms IS NOT NULL AND ended_ms IS NULL;

CREATE TABLE pair_errand_rows (
  errand TEXT    NOT NULL REFERENCES pair_errands (id) ON DELETE CASCADE,
  place  INTEGER NOT NULL,
  pair   TEXT    NOT NULL,
  client TEXT    NOT NULL,
  name   TEXT    NOT NULL,
  state  TEXT    NOT NULL CHECK (state IN ('waiting', 'done', 'passed', 'failed')),
  says   TEXT    NOT NULL,
  PRIMARY KEY (errand, place),
  UNIQUE (errand, pair)
) STRICT, WITHOUT ROWID;
CREATE INDEX pair_errand_rows_by_state ON pair_errand_rows (errand, state, place);
