-- Saved views: the filter and order of a list under a name. docs/SCHEMA.md explains the table.
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
