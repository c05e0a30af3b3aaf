-- When a pair last changed is when one of its records did: a reading in another form (a row of a list, the record by
-- itself) says nothing new. docs/SCHEMA.md explains the tables.
ALTER TABLE subjects ADD COLUMN said TEXT;
ALTER TABLE pairs ADD COLUMN ticket_said TEXT;
DROP TRIGGER subjects_followed;
CREATE TRIGGER subjects_followed AFTER UPDATE OF body ON subjects WHEN new.pair IS NOT NULL BEGIN
  UPDATE pairs SET number = new.number, severity = new.severity, severity_rank = new.severity_rank,
    status = new.status, opened_ms = new.opened_ms,
    changed_ms = CASE WHEN new.changed_ms <> old.changed_ms THEN new.changed_ms ELSE changed_ms END
  WHERE subject = new.id;
END;
