-- Backfill of incidents that are older than a workspace's start. docs/SCHEMA.md explains the table.

-- A closed list of facts cannot be widened in place.
CREATE TABLE ledger_wider (
  seq       INTEGER NOT NULL PRIMARY KEY,
  chain     TEXT    NOT NULL,
  chain_seq INTEGER NOT NULL CHECK (chain_seq > 0),
  at_ms     INTEGER NOT NULL,
  fact      TEXT    NOT NULL CHECK (fact IN (
    'incident-read', 'unreadable', 'incident-held', 'comments-read', 'evidence-read', 'ticket-read', 'actions-read',
    'pair-opened', 'pair-judged', 'base-agreed', 'ticket-linked', 'note-linked', 'operation-planned',
    'operation-moved', 'cursor-moved', 'halo-cursor-moved', 'run-ended', 'delivery-received', 'delivery-handled',
    'human-act', 'decided', 'survivor-found', 'paused', 'resumed', 'unlinked', 'shadow-compared', 'backfill-moved')),
  pair      TEXT,
  detail    TEXT    NOT NULL,
  body      BLOB    CHECK (body IS NULL OR length(body) = 32),
  prev      BLOB    NOT NULL CHECK (length(prev) = 32),
  hash      BLOB    NOT NULL CHECK (length(hash) = 32),
  UNIQUE (chain, chain_seq)
) STRICT;
INSERT INTO ledger_wider SELECT * FROM ledger;
DROP TABLE ledger;
ALTER TABLE ledger_wider RENAME TO ledger;
CREATE INDEX ledger_by_pair ON ledger (pair, seq) WHERE pair IS NOT NULL;
CREATE INDEX ledger_by_fact ON ledger (fact, seq);

-- The last backfill of each workspace.
CREATE TABLE backfills (
  workspace  TEXT    NOT NULL PRIMARY KEY,
  client     TEXT    NOT NULL,
  id         TEXT    NOT NULL,
  state      TEXT    NOT NULL CHECK (state IN ('counting', 'forecast', 'running', 'ended')),
  value      TEXT    NOT NULL,
  changed_ms INTEGER NOT NULL
) STRICT;
