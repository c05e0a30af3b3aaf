-- Search finds the hosts, users, mailboxes and addresses that an incident's evidence names. docs/SCHEMA.md explains both.

CREATE VIEW entity_names AS
SELECT b.hash AS evidence, CASE p.key
    WHEN 'hostName' THEN p.value || ifnull('.' || (j.value ->> '$.properties.dnsDomain'), '')
    WHEN 'accountName' THEN p.value || ifnull('@' || (j.value ->> '$.properties.upnSuffix'), '')
    WHEN 'ntDomain' THEN p.value || '\' || (j.value ->> '$.properties.accountName')
    ELSE p.value END AS name
FROM bodies b, json_each(b.body, '$.entities') j,
  json_each(iif(j.type = 'object', j.value, '{}'), '$.properties') p
WHERE p.type = 'text' AND p.key IN ('hostName', 'netBiosName', 'accountName', 'ntDomain', 'userPrincipalName', 'upn',
  'displayName', 'friendlyName', 'mailboxPrimaryAddress', 'address', 'recipient', 'sender');

ALTER TABLE subjects ADD COLUMN names TEXT NOT NULL DEFAULT '';
UPDATE subjects SET names = ifnull((SELECT group_concat(DISTINCT n.name) FROM entity_names n WHERE n.evidence = subjects.evidence), '')
WHERE evidence IS NOT NULL;

DROP TRIGGER subjects_found;
DROP TRIGGER subjects_renamed;
DROP TABLE subject_words;
CREATE VIRTUAL TABLE subject_words USING fts5 (
  title, names, content = '', contentless_delete = 1, tokenize = 'trigram'
);
INSERT INTO subject_words (rowid, title, names) SELECT id, title, names FROM subjects;

CREATE TRIGGER subjects_found AFTER INSERT ON subjects BEGIN
  INSERT INTO subject_words (rowid, title, names) VALUES (new.id, new.title, new.names);
END;
CREATE TRIGGER subjects_renamed AFTER UPDATE OF title, names ON subjects
WHEN old.title <> new.title OR old.names <> new.names BEGIN
  DELETE FROM subject_words WHERE rowid = old.id;
  INSERT INTO subject_words (rowid, title, names) VALUES (new.id, new.title, new.names);
END;
