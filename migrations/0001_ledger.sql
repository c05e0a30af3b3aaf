-- The ledger, the state that is projected from it, and the configuration. docs/SCHEMA.md explains each table.
-- Times are milliseconds since 1970 (UTC), ids are text, hashes are 32-byte blobs.

-- ---- the ledger: append-only ----------------------------------------------------------------

CREATE TABLE bodies (
  hash BLOB NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
  body TEXT NOT NULL
) STRICT;

CREATE TABLE ledger (
  seq       INTEGER NOT NULL PRIMARY KEY,
  chain     TEXT    NOT NULL,
  chain_seq INTEGER NOT NULL CHECK (chain_seq > 0),
  at_ms     INTEGER NOT NULL,
  fact      TEXT    NOT NULL CHECK (fact IN (
    'incident-read', 'unreadable', 'incident-held', 'comments-read', 'evidence-read', 'ticket-read', 'actions-read',
    'pair-opened', 'pair-judged', 'base-agreed', 'ticket-linked', 'note-linked', 'operation-planned',
    'operation-moved', 'cursor-moved', 'halo-cursor-moved', 'run-ended', 'delivery-received', 'delivery-handled',
    'human-act')),
  pair      TEXT,
  detail    TEXT    NOT NULL,
  body      BLOB    CHECK (body IS NULL OR length(body) = 32),
  prev      BLOB    NOT NULL CHECK (length(prev) = 32),
  hash      BLOB    NOT NULL CHECK (length(hash) = 32),
  UNIQUE (chain, chain_seq)
) STRICT;
CREATE INDEX ledger_by_pair ON ledger (pair, seq) WHERE pair IS NOT NULL;
CREATE INDEX ledger_by_fact ON ledger (fact, seq);

CREATE TABLE chains (
  chain     TEXT    NOT NULL PRIMARY KEY,
  chain_seq INTEGER NOT NULL CHECK (chain_seq > 0),
  hash      BLOB    NOT NULL CHECK (length(hash) = 32)
) STRICT;

-- ---- state: written by the projector alone, rebuilt from the ledger ---------------------------

CREATE TABLE subjects (
  id             INTEGER NOT NULL PRIMARY KEY,
  workspace      TEXT    NOT NULL,
  incident       TEXT    NOT NULL,
  client         TEXT    NOT NULL,
  number         INTEGER,
  title          TEXT    NOT NULL,
  severity       TEXT    NOT NULL,
  severity_rank  INTEGER NOT NULL,
  status         TEXT    NOT NULL,
  owner          TEXT,
  etag           TEXT,
  comments_count INTEGER NOT NULL,
  opened_ms      INTEGER NOT NULL,
  modified_ms    INTEGER,
  body           BLOB    NOT NULL,
  evidence       BLOB,
  pair           TEXT,
  held_code      TEXT,
  held           TEXT,
  first_seen_ms  INTEGER NOT NULL,
  changed_ms     INTEGER NOT NULL,
  UNIQUE (workspace, incident)
) STRICT;
CREATE INDEX subjects_by_title ON subjects (title COLLATE NOCASE);
CREATE INDEX subjects_by_incident ON subjects (incident);
CREATE INDEX subjects_by_number ON subjects (number) WHERE number IS NOT NULL;
CREATE INDEX subjects_unlinked ON subjects (changed_ms, id) WHERE pair IS NULL;
CREATE INDEX subjects_held ON subjects (held_code, changed_ms, id) WHERE pair IS NULL;

CREATE VIRTUAL TABLE subject_words USING fts5 (
  title, content = '', contentless_delete = 1, tokenize = 'trigram'
);

CREATE TABLE pairs (
  subject          INTEGER NOT NULL PRIMARY KEY,
  id               TEXT    NOT NULL UNIQUE,
  client           TEXT    NOT NULL,
  workspace        TEXT    NOT NULL,
  incident         TEXT    NOT NULL,
  halo             TEXT    NOT NULL,
  halo_client_id   INTEGER NOT NULL,
  ticket           INTEGER,
  reference        TEXT    NOT NULL,
  base             TEXT    NOT NULL,
  sync             TEXT    NOT NULL CHECK (sync IN ('in-step', 'behind', 'unknown')),
  health           TEXT    NOT NULL CHECK (health IN ('healthy', 'waiting', 'needs-you')),
  reason_code      TEXT,
  reason           TEXT,
  number           INTEGER,
  severity_rank    INTEGER NOT NULL,
  severity         TEXT    NOT NULL,
  status           TEXT    NOT NULL,
  opened_ms        INTEGER NOT NULL,
  ticket_status_id INTEGER,
  ticket_closed    INTEGER NOT NULL DEFAULT 0 CHECK (ticket_closed IN (0, 1)),
  ticket_body      BLOB,
  comments_body    BLOB,
  actions_body     BLOB,
  created_ms       INTEGER NOT NULL,
  changed_ms       INTEGER NOT NULL,
  UNIQUE (workspace, incident)
) STRICT;
CREATE INDEX pairs_by_ticket ON pairs (halo, ticket) WHERE ticket IS NOT NULL;
CREATE INDEX pairs_by_ticket_number ON pairs (ticket) WHERE ticket IS NOT NULL;
CREATE INDEX pairs_open ON pairs (halo, id) WHERE NOT (status = 'Closed' AND sync = 'in-step');
CREATE INDEX pairs_open_of_workspace ON pairs (workspace, subject) WHERE NOT (status = 'Closed' AND sync = 'in-step');
CREATE INDEX pairs_by_changed ON pairs (changed_ms, subject);
CREATE INDEX pairs_by_opened ON pairs (opened_ms, subject);
CREATE INDEX pairs_by_number ON pairs (ifnull(number, -1), subject);
CREATE INDEX pairs_by_client ON pairs (client, changed_ms, subject);
CREATE INDEX pairs_by_workspace ON pairs (workspace, changed_ms, subject);
CREATE INDEX pairs_not_in_step ON pairs (sync, changed_ms, subject) WHERE sync <> 'in-step';
CREATE INDEX pairs_not_healthy ON pairs (health, changed_ms, subject) WHERE health <> 'healthy';

-- What lists and search need of a subject follows it without a further statement.
CREATE TRIGGER subjects_found AFTER INSERT ON subjects BEGIN
  INSERT INTO subject_words (rowid, title) VALUES (new.id, new.title);
END;
CREATE TRIGGER subjects_renamed AFTER UPDATE OF title ON subjects WHEN old.title <> new.title BEGIN
  DELETE FROM subject_words WHERE rowid = old.id;
  INSERT INTO subject_words (rowid, title) VALUES (new.id, new.title);
END;
CREATE TRIGGER subjects_followed AFTER UPDATE OF body ON subjects WHEN new.pair IS NOT NULL BEGIN
  UPDATE pairs SET number = new.number, severity = new.severity, severity_rank = new.severity_rank,
    status = new.status, opened_ms = new.opened_ms, changed_ms = new.changed_ms
  WHERE subject = new.id;
END;
CREATE TRIGGER pairs_joined AFTER INSERT ON pairs BEGIN
  UPDATE subjects SET pair = new.id, held_code = NULL, held = NULL WHERE id = new.subject;
END;

-- Kept counters: a page never counts rows.
CREATE TABLE pair_counts (
  client    TEXT    NOT NULL,
  workspace TEXT    NOT NULL,
  sync      TEXT    NOT NULL,
  health    TEXT    NOT NULL,
  pairs     INTEGER NOT NULL CHECK (pairs >= 0),
  PRIMARY KEY (client, workspace, sync, health)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER pairs_counted_in AFTER INSERT ON pairs BEGIN
  INSERT INTO pair_counts VALUES (new.client, new.workspace, new.sync, new.health, 1)
  ON CONFLICT DO UPDATE SET pairs = pairs + 1;
END;
CREATE TRIGGER pairs_counted_over AFTER UPDATE OF sync, health ON pairs
WHEN old.sync <> new.sync OR old.health <> new.health BEGIN
  UPDATE pair_counts SET pairs = pairs - 1
  WHERE client = old.client AND workspace = old.workspace AND sync = old.sync AND health = old.health;
  INSERT INTO pair_counts VALUES (new.client, new.workspace, new.sync, new.health, 1)
  ON CONFLICT DO UPDATE SET pairs = pairs + 1;
END;

CREATE TABLE held_counts (
  client    TEXT    NOT NULL,
  workspace TEXT    NOT NULL,
  code      TEXT    NOT NULL,
  subjects  INTEGER NOT NULL CHECK (subjects >= 0),
  PRIMARY KEY (client, workspace, code)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER held_counted_in AFTER UPDATE OF held_code ON subjects
WHEN new.held_code IS NOT NULL AND new.held_code IS NOT old.held_code BEGIN
  INSERT INTO held_counts VALUES (new.client, new.workspace, new.held_code, 1)
  ON CONFLICT DO UPDATE SET subjects = subjects + 1;
END;
CREATE TRIGGER held_counted_out AFTER UPDATE OF held_code ON subjects
WHEN old.held_code IS NOT NULL AND new.held_code IS NOT old.held_code BEGIN
  UPDATE held_counts SET subjects = subjects - 1
  WHERE client = old.client AND workspace = old.workspace AND code = old.held_code;
END;

CREATE TABLE operations (
  id         TEXT    NOT NULL PRIMARY KEY,
  client     TEXT    NOT NULL,
  pair       TEXT    NOT NULL REFERENCES pairs (id),
  position   INTEGER NOT NULL,
  kind       TEXT    NOT NULL CHECK (kind IN
    ('create-ticket', 'update-ticket', 'add-note', 'add-comment', 'update-incident')),
  key        TEXT    NOT NULL,
  state      TEXT    NOT NULL CHECK (state IN ('planned', 'sending', 'outcome-unknown', 'done', 'dead', 'dropped', 'void')),
  state_json TEXT    NOT NULL,
  due_ms     INTEGER NOT NULL,
  attempts   INTEGER NOT NULL CHECK (attempts >= 0),
  failure    TEXT,
  planned_ms INTEGER NOT NULL,
  changed_ms INTEGER NOT NULL,
  body       BLOB    NOT NULL,
  UNIQUE (pair, position)
) STRICT;
CREATE INDEX operations_due ON operations (due_ms, pair) WHERE state IN ('planned', 'sending', 'outcome-unknown');
CREATE INDEX operations_queued ON operations (pair, position) WHERE state IN ('planned', 'sending', 'outcome-unknown');
CREATE UNIQUE INDEX operations_once ON operations (pair, key)
  WHERE state IN ('planned', 'sending', 'outcome-unknown');
CREATE INDEX operations_dead ON operations (changed_ms) WHERE state = 'dead';
CREATE INDEX operations_done ON operations (changed_ms) WHERE state = 'done';
CREATE INDEX operations_sending ON operations (due_ms) WHERE state = 'sending';

CREATE TABLE note_links (
  pair       TEXT    NOT NULL REFERENCES pairs (id),
  comment    TEXT    NOT NULL,
  halo       TEXT    NOT NULL,
  ticket     INTEGER NOT NULL,
  action     INTEGER NOT NULL,
  part       INTEGER NOT NULL CHECK (part >= 0),
  written_in TEXT    NOT NULL CHECK (written_in IN ('sentinel', 'halo')),
  linked_ms  INTEGER NOT NULL,
  PRIMARY KEY (pair, comment),
  UNIQUE (halo, ticket, action, part)
) STRICT, WITHOUT ROWID;

CREATE TABLE cursors (
  workspace   TEXT    NOT NULL PRIMARY KEY,
  modified_ms INTEGER NOT NULL,
  number      INTEGER
) STRICT;

CREATE TABLE halo_cursors (
  connection TEXT    NOT NULL PRIMARY KEY,
  updated_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE runs (
  scope      TEXT    NOT NULL PRIMARY KEY,
  client     TEXT,
  run        TEXT    NOT NULL,
  ended_ms   INTEGER NOT NULL,
  well_ms    INTEGER,
  failures   INTEGER NOT NULL CHECK (failures >= 0)
) STRICT;

CREATE TABLE deliveries (
  id          TEXT    NOT NULL PRIMARY KEY,
  client      TEXT,
  source      TEXT    NOT NULL,
  received_ms INTEGER NOT NULL,
  handled_ms  INTEGER,
  body        BLOB    NOT NULL
) STRICT;
CREATE INDEX deliveries_waiting ON deliveries (received_ms, id) WHERE handled_ms IS NULL;
CREATE INDEX deliveries_by_time ON deliveries (received_ms);

-- ---- the installation: plain tables, one version counter -----------------------------------------

CREATE TABLE installation (
  id      INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  version INTEGER NOT NULL
) STRICT;
INSERT INTO installation VALUES (1, 0);

CREATE TABLE connections (
  id    TEXT NOT NULL PRIMARY KEY,
  kind  TEXT NOT NULL CHECK (kind IN ('microsoft', 'halo')),
  name  TEXT NOT NULL UNIQUE COLLATE NOCASE,
  value TEXT NOT NULL
) STRICT;

CREATE TABLE clients (
  id             TEXT NOT NULL PRIMARY KEY,
  name           TEXT NOT NULL UNIQUE COLLATE NOCASE,
  halo           TEXT REFERENCES connections (id),
  halo_client_id INTEGER,
  value          TEXT NOT NULL,
  UNIQUE (halo, halo_client_id)
) STRICT;

CREATE TABLE policies (
  id    TEXT NOT NULL PRIMARY KEY,
  name  TEXT NOT NULL UNIQUE COLLATE NOCASE,
  value TEXT NOT NULL
) STRICT;

CREATE TABLE workspaces (
  id         TEXT NOT NULL PRIMARY KEY,
  arm_id     TEXT NOT NULL UNIQUE COLLATE NOCASE,
  client     TEXT NOT NULL REFERENCES clients (id),
  connection TEXT NOT NULL REFERENCES connections (id),
  policy     TEXT NOT NULL REFERENCES policies (id),
  mode       TEXT NOT NULL CHECK (mode IN ('off', 'observe', 'comment-only', 'sentinel-to-halo', 'two-way')),
  value      TEXT NOT NULL
) STRICT;
CREATE INDEX workspaces_by_client ON workspaces (client);
CREATE INDEX workspaces_by_connection ON workspaces (connection);
CREATE INDEX workspaces_by_policy ON workspaces (policy);

CREATE TABLE secrets (
  owner      TEXT    NOT NULL,
  name       TEXT    NOT NULL,
  source     TEXT    NOT NULL CHECK (source IN ('sealed', 'env', 'file')),
  sealed     BLOB,
  reference  TEXT,
  changed_ms INTEGER NOT NULL,
  PRIMARY KEY (owner, name),
  CHECK ((source = 'sealed') = (sealed IS NOT NULL)),
  CHECK ((source = 'sealed') = (reference IS NULL))
) STRICT;

CREATE TABLE catalogues (
  connection TEXT    NOT NULL PRIMARY KEY,
  value      TEXT    NOT NULL,
  read_ms    INTEGER NOT NULL
) STRICT;

CREATE TABLE requests (
  id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  kind        TEXT    NOT NULL,
  detail      TEXT    NOT NULL,
  asked_ms    INTEGER NOT NULL,
  answered_ms INTEGER,
  result      TEXT
) STRICT;
CREATE INDEX requests_open ON requests (id) WHERE answered_ms IS NULL;

-- ---- people ------------------------------------------------------------------------------------

CREATE TABLE users (
  id          TEXT    NOT NULL PRIMARY KEY,
  name        TEXT    NOT NULL UNIQUE COLLATE NOCASE,
  role        TEXT    NOT NULL CHECK (role IN ('admin', 'operator', 'viewer')),
  scope       TEXT    NOT NULL,
  time_zone   TEXT,
  password    TEXT,
  disabled    INTEGER NOT NULL CHECK (disabled IN (0, 1)),
  created_ms  INTEGER NOT NULL,
  seen_ms     INTEGER
) STRICT;

CREATE TABLE sessions (
  id         TEXT    NOT NULL PRIMARY KEY,
  data       TEXT    NOT NULL,
  expires_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_expiry ON sessions (expires_ms);
-- Whose session it is stands in what the web layer keeps under `signed-in`.
CREATE INDEX sessions_by_user ON sessions (json_extract(data, '$."signed-in".user'));

-- Single values: the instance mark, the hash of the one-time set-up code, …
CREATE TABLE settings (
  name  TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;
