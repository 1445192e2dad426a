-- Who is signed in in which browser: hash is the SHA-256 of its cookie, which
-- changes each time that the person shows anew who it is; shown is when that was,
-- methods how. ended is when it was signed out, 0: not yet.
CREATE TABLE oauth_session (
  id        TEXT PRIMARY KEY,
  tenant    TEXT NOT NULL,
  principal TEXT NOT NULL,
  hash      BLOB NOT NULL UNIQUE,
  started   INTEGER NOT NULL,
  shown     INTEGER NOT NULL,
  methods   TEXT NOT NULL,
  seen      INTEGER NOT NULL,
  expires   INTEGER NOT NULL,
  ended     INTEGER NOT NULL,
  agent     TEXT NOT NULL,
  address   TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX oauth_session_principal ON oauth_session (tenant, principal);
CREATE INDEX oauth_session_expires ON oauth_session (expires);

-- How often something was tried in a window that began at since.
CREATE TABLE oauth_attempt (
  key   TEXT PRIMARY KEY,
  since INTEGER NOT NULL,
  count INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX oauth_attempt_since ON oauth_attempt (since);

-- When the holder of a token without an app last showed a second factor.
ALTER TABLE access_token ADD COLUMN second INTEGER NOT NULL DEFAULT 0;
