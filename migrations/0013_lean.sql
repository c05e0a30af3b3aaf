-- What stands on the way from a webhook to its ticket writes fewer pages. docs/SCHEMA.md explains both.

-- Every pair has these; who asks for them finds some wherever in the ledger they look.
DROP INDEX ledger_by_fact;
CREATE INDEX ledger_by_fact ON ledger (fact, seq) WHERE fact NOT IN ('incident-read', 'pair-opened',
  'operation-planned', 'operation-moved', 'pair-judged', 'base-agreed', 'ticket-read', 'ticket-linked');

-- What is being sent is among what is due.
DROP INDEX operations_sending;

-- Full text is made a little later, many at a time, and at the latest when somebody searches.
CREATE TABLE words_waiting (
  subject INTEGER NOT NULL PRIMARY KEY
) STRICT;
DROP TRIGGER subjects_found;
DROP TRIGGER subjects_renamed;
CREATE TRIGGER subjects_found AFTER INSERT ON subjects BEGIN
  INSERT INTO words_waiting (subject) SELECT new.id WHERE NOT EXISTS (SELECT 1 FROM words_waiting WHERE subject = new.id);
END;
CREATE TRIGGER subjects_renamed AFTER UPDATE OF title, names ON subjects
WHEN old.title <> new.title OR old.names <> new.names BEGIN
  INSERT INTO words_waiting (subject) SELECT new.id WHERE NOT EXISTS (SELECT 1 FROM words_waiting WHERE subject = new.id);
END;
