-- Tokens with which programs ask for something (`POST /api/…`): only a hash of each is kept.
-- docs/SCHEMA.md explains the table.
CREATE TABLE api_tokens (
  id         TEXT    NOT NULL PRIMARY KEY,
  name       TEXT    NOT NULL UNIQUE COLLATE NOCASE,
  hash       BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32),
  scope      TEXT    NOT NULL,
  made_by    TEXT    NOT NULL,
  created_ms INTEGER NOT NULL,
  used_ms    INTEGER,
  revoked_ms INTEGER
) STRICT;
