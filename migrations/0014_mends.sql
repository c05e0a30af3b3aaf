-- What is held moves with its workspace to another client. docs/SCHEMA.md explains it.

CREATE TRIGGER held_counted_over AFTER UPDATE OF client ON subjects
WHEN old.client <> new.client AND old.held_code IS NOT NULL BEGIN
  UPDATE held_counts SET subjects = subjects - 1
  WHERE client = old.client AND workspace = old.workspace AND code = old.held_code;
  INSERT INTO held_counts VALUES (new.client, new.workspace, old.held_code, 1)
  ON CONFLICT DO UPDATE SET subjects = subjects + 1;
END;
-- Those that moved before were counted at the client before.
DELETE FROM held_counts;
INSERT INTO held_counts (client, workspace, code, subjects)
SELECT client, workspace, held_code, count(*) FROM subjects WHERE held_code IS NOT NULL
GROUP BY client, workspace, held_code;

-- Whether anything came from one source since a moment.
CREATE INDEX deliveries_by_source ON deliveries (source, received_ms);
