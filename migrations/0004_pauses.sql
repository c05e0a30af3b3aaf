-- Pauses of pairs, clients and connections, and pairs that people unlink. docs/SCHEMA.md explains each table.

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
    'human-act', 'decided', 'survivor-found', 'paused', 'resumed', 'unlinked')),
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

-- What is paused: at most once by a person and once by a failure.
CREATE TABLE pauses (
  scope     TEXT    NOT NULL CHECK (scope IN ('pair', 'client', 'connection')),
  id        TEXT    NOT NULL,
  automatic INTEGER NOT NULL CHECK (automatic IN (0, 1)),
  value     TEXT    NOT NULL,
  PRIMARY KEY (scope, id, automatic)
) STRICT, WITHOUT ROWID;

-- A pair that is unlinked is counted no more, and its incident has none.
CREATE TRIGGER pairs_counted_out AFTER DELETE ON pairs BEGIN
  UPDATE pair_counts SET pairs = pairs - 1
  WHERE client = old.client AND workspace = old.workspace AND sync = old.sync AND health = old.health;
  UPDATE subjects SET pair = NULL WHERE id = old.subject;
END;
