-- Incidents that share a ticket by rule. docs/SCHEMA.md explains the table.

-- The pair that began the group, and all that is known of a pair's place in it.
ALTER TABLE pairs ADD COLUMN grouped TEXT;
ALTER TABLE pairs ADD COLUMN group_json TEXT;
CREATE INDEX pairs_by_group ON pairs (grouped, id) WHERE grouped IS NOT NULL;

-- What an incident must have to join a group: the keys of the pair that began it, as long as it is there.
CREATE TABLE group_keys (
  workspace TEXT NOT NULL,
  key       TEXT NOT NULL,
  pair      TEXT NOT NULL,
  PRIMARY KEY (workspace, key, pair)
) STRICT, WITHOUT ROWID;
CREATE INDEX group_keys_by_pair ON group_keys (pair);

CREATE TRIGGER pairs_grouped AFTER INSERT ON pairs WHEN new.grouped = new.id BEGIN
  INSERT OR IGNORE INTO group_keys (workspace, key, pair)
    SELECT new.workspace, j.value, new.id FROM json_each(new.group_json, '$.keys') j;
END;
CREATE TRIGGER pairs_ungrouped AFTER DELETE ON pairs WHEN old.grouped = old.id BEGIN
  DELETE FROM group_keys WHERE pair = old.id;
END;
