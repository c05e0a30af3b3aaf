-- What the rules of the sync need beyond the first schema. docs/SCHEMA.md explains each table.

-- The storm brake counts a workspace's new tickets of the last hour, and releases held incidents in their order.
CREATE INDEX pairs_by_creation ON pairs (workspace, created_ms);
CREATE INDEX subjects_held_in_order ON subjects (workspace, held_code, opened_ms, id)
  WHERE pair IS NULL AND held_code IS NOT NULL;

-- What people decided about a pair, oldest first.
ALTER TABLE pairs ADD COLUMN decisions TEXT NOT NULL DEFAULT '[]';

-- Merges in Defender: the incident that this one went into, and whether others went into this one.
ALTER TABLE pairs ADD COLUMN survivor TEXT;
ALTER TABLE pairs ADD COLUMN merged INTEGER NOT NULL DEFAULT 0 CHECK (merged IN (0, 1));
CREATE INDEX pairs_by_survivor ON pairs (workspace, survivor) WHERE survivor IS NOT NULL;

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
    'human-act', 'decided', 'survivor-found')),
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

-- Edits are reported too, and one comment may carry several notes.
CREATE TABLE note_links_wider (
  pair       TEXT    NOT NULL REFERENCES pairs (id),
  comment    TEXT    NOT NULL,
  halo       TEXT    NOT NULL,
  ticket     INTEGER NOT NULL,
  action     INTEGER NOT NULL CHECK (action >= 0),
  edit       INTEGER NOT NULL CHECK (edit >= 0),
  part       INTEGER NOT NULL CHECK (part >= 0),
  said       TEXT,
  written_in TEXT    NOT NULL CHECK (written_in IN ('sentinel', 'halo')),
  linked_ms  INTEGER NOT NULL,
  PRIMARY KEY (pair, comment, edit, part, ticket, action)
) STRICT, WITHOUT ROWID;
-- What crossed before was no edit, and its words were not kept: it is taken as it stands.
INSERT INTO note_links_wider (pair, comment, halo, ticket, action, edit, part, said, written_in, linked_ms)
  SELECT pair, comment, halo, ticket, action, 0, part, NULL, written_in, linked_ms FROM note_links;
DROP TABLE note_links;
ALTER TABLE note_links_wider RENAME TO note_links;
-- Each crosses once: a comment's edit in one note of a ticket, a part of a note's edit in one comment of an incident.
CREATE UNIQUE INDEX note_links_of_comment ON note_links (pair, comment, edit, ticket) WHERE written_in = 'sentinel';
CREATE UNIQUE INDEX note_links_to_action ON note_links (pair, ticket, action) WHERE written_in = 'sentinel';
CREATE UNIQUE INDEX note_links_of_action ON note_links (pair, ticket, action, edit, part) WHERE written_in = 'halo';
CREATE INDEX note_links_by_action ON note_links (halo, ticket, action, edit, part, pair, comment);

-- What a policy said with a yes or no it says with a rule now: which way, when, and who wins.
UPDATE policies SET value = json_remove(
  json_set(value,
    '$.owner', json(CASE json_extract(value, '$.carry_owner')
      WHEN 0 THEN '{"direction":"none","when":"always","wins":"newest"}'
      ELSE '{"direction":"both","when":"always","wins":"newest"}' END),
    '$.severity', json(CASE json_extract(value, '$.carry_severity')
      WHEN 0 THEN '{"direction":"to-halo","when":"on-create","wins":"newest"}'
      ELSE '{"direction":"to-halo","when":"always","wins":"newest"}' END),
    '$.requester', json(CASE WHEN json_extract(value, '$.requester_user_id') IS NULL
      THEN '{"requester":"general-user"}'
      ELSE json_object('requester', 'user', 'id', json_extract(value, '$.requester_user_id')) END),
    '$.fields', json((SELECT json_group_array(json_object(
        'field', json_object('custom', json_extract(f.value, '$.field')),
        'source', json(json_extract(f.value, '$.source')),
        'rule', json_object('direction', 'to-halo',
          'when', CASE json_extract(f.value, '$.always') WHEN 1 THEN 'always' ELSE 'on-create' END,
          'wins', 'sentinel')) ORDER BY f.key)
      FROM json_each(policies.value, '$.fields') f))),
  '$.carry_owner', '$.carry_severity', '$.requester_user_id');

-- People search for the reference that our tickets carry.
CREATE INDEX pairs_reference ON pairs (reference);
