-- Shadow mode: what Halo's own Sentinel integration missed, doubled or carried over late. docs/SCHEMA.md explains the tables.

-- A closed list of facts cannot be widened in place: once, for these and the two migrations after this one.
CREATE TABLE ledger_wider (
  seq       INTEGER NOT NULL PRIMARY KEY,
  chain     TEXT    NOT NULL,
  chain_seq INTEGER NOT NULL CHECK (chain_seq > 0),
  at_ms     INTEGER NOT NULL,
  fact      TEXT    NOT NULL CHECK (fact IN (
    'incident-read', 'unreadable', 'incident-held', 'comments-read', 'evidence-read', 'ticket-read', 'actions-read',
    'pair-opened', 'pair-judged', 'base-agreed', 'ticket-linked', 'note-linked', 'operation-planned',
    'operation-moved', 'cursor-moved', 'halo-cursor-moved', 'run-ended', 'delivery-received', 'delivery-handled',
    'human-act', 'decided', 'survivor-found', 'paused', 'resumed', 'unlinked', 'shadow-compared', 'backfill-moved',
    'record-gone', 'drift-found')),
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

-- One row for each incident that was compared; how many things were missed, doubled and delayed with it.
CREATE TABLE shadows (
  subject    INTEGER NOT NULL PRIMARY KEY REFERENCES subjects (id),
  client     TEXT    NOT NULL,
  workspace  TEXT    NOT NULL,
  incident   TEXT    NOT NULL,
  compared   TEXT    NOT NULL,
  ticketed   INTEGER NOT NULL CHECK (ticketed IN (0, 1)),
  late_secs  INTEGER NOT NULL CHECK (late_secs >= 0),
  missed     INTEGER NOT NULL CHECK (missed >= 0),
  doubled    INTEGER NOT NULL CHECK (doubled >= 0),
  delayed    INTEGER NOT NULL CHECK (delayed >= 0),
  changed_ms INTEGER NOT NULL,
  UNIQUE (workspace, incident)
) STRICT;
CREATE INDEX shadows_by_changed ON shadows (changed_ms, subject);
CREATE INDEX shadows_by_workspace ON shadows (workspace, changed_ms, subject);
CREATE INDEX shadows_missed ON shadows (changed_ms, subject) WHERE missed > 0;
CREATE INDEX shadows_doubled ON shadows (changed_ms, subject) WHERE doubled > 0;
CREATE INDEX shadows_delayed ON shadows (changed_ms, subject) WHERE delayed > 0;

-- Kept counters: a page never counts rows.
CREATE TABLE shadow_counts (
  client    TEXT    NOT NULL,
  workspace TEXT    NOT NULL,
  incidents INTEGER NOT NULL CHECK (incidents >= 0),
  ticketed  INTEGER NOT NULL CHECK (ticketed >= 0),
  late_secs INTEGER NOT NULL CHECK (late_secs >= 0),
  missed    INTEGER NOT NULL CHECK (missed >= 0),
  doubled   INTEGER NOT NULL CHECK (doubled >= 0),
  delayed   INTEGER NOT NULL CHECK (delayed >= 0),
  PRIMARY KEY (client, workspace)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER shadows_counted_in AFTER INSERT ON shadows BEGIN
  INSERT INTO shadow_counts
  VALUES (new.client, new.workspace, 1, new.ticketed, new.late_secs, new.missed, new.doubled, new.delayed)
  ON CONFLICT DO UPDATE SET incidents = incidents + 1, ticketed = ticketed + new.ticketed,
    late_secs = late_secs + new.late_secs, missed = missed + new.missed, doubled = doubled + new.doubled,
    delayed = delayed + new.delayed;
END;
CREATE TRIGGER shadows_counted_over AFTER UPDATE ON shadows BEGIN
  UPDATE shadow_counts SET ticketed = ticketed + new.ticketed - old.ticketed,
    late_secs = late_secs + new.late_secs - old.late_secs, missed = missed + new.missed - old.missed,
    doubled = doubled + new.doubled - old.doubled, delayed = delayed + new.delayed - old.delayed
  WHERE client = new.client AND workspace = new.workspace;
END;
