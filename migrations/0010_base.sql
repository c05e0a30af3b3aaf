-- A policy may build on another one, which stays while it does. docs/SCHEMA.md explains the table.
ALTER TABLE policies ADD COLUMN base TEXT REFERENCES policies (id);
CREATE INDEX policies_by_base ON policies (base);
