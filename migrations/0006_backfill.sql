-- Backfill of incidents that are older than a workspace's start. docs/SCHEMA.md explains the table.

-- The last backfill of each workspace.
CREATE TABLE backfills (
  workspace  TEXT    NOT NULL PRIMARY KEY,
  client     TEXT    NOT NULL,
  id         TEXT    NOT NULL,
  state      TEXT    NOT NULL CHECK (state IN ('counting', 'forecast', 'running', 'ended')),
  value      TEXT    NOT NULL,
  changed_ms INTEGER NOT NULL
) STRICT;
