-- Apps that may ask for tokens, and what was granted to them. body is JSON.
CREATE TABLE oauth_client (
  tenant TEXT NOT NULL,
  id     TEXT NOT NULL,
  body   TEXT NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE oauth_grant (
  id        TEXT PRIMARY KEY,
  tenant    TEXT NOT NULL,
  client    TEXT NOT NULL,
  principal TEXT NOT NULL,
  created   INTEGER NOT NULL,
  expires   INTEGER NOT NULL,
  revoked   INTEGER NOT NULL,
  body      TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX oauth_grant_principal ON oauth_grant (tenant, principal);
CREATE INDEX oauth_grant_expires ON oauth_grant (expires);

-- Secrets that are good once or for a while: codes, refresh tokens, launches,
-- sessions, numbers of assertions. used is when one was used up, 0: not yet.
CREATE TABLE oauth_slip (
  kind     TEXT NOT NULL,
  hash     BLOB NOT NULL,
  grant_id TEXT NOT NULL,
  expires  INTEGER NOT NULL,
  used     INTEGER NOT NULL,
  body     TEXT NOT NULL,
  PRIMARY KEY (kind, hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX oauth_slip_expires ON oauth_slip (expires);

-- Names that people sign in with. failures counts wrong passwords in a row.
CREATE TABLE oauth_login (
  tenant    TEXT NOT NULL,
  name      TEXT NOT NULL,
  principal TEXT NOT NULL,
  hash      TEXT NOT NULL,
  failures  INTEGER NOT NULL,
  locked    INTEGER NOT NULL,
  PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;

-- What a token of an app may do; '' for a token without an app.
ALTER TABLE access_token ADD COLUMN grant_id TEXT NOT NULL DEFAULT '';
ALTER TABLE access_token ADD COLUMN scope TEXT NOT NULL DEFAULT '';
