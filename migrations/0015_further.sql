-- What else is open on a pair beside its first reason, as a JSON list; NULL where there is nothing.
-- docs/SCHEMA.md explains the table.
ALTER TABLE pairs ADD COLUMN further TEXT;
