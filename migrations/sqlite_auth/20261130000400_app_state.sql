-- What apps keep here for themselves (SMART App State): a Basic, sealed. subject is
-- "Type/id", '' for what is about nobody.
CREATE TABLE oauth_state (
  tenant  TEXT NOT NULL,
  id      TEXT NOT NULL,
  client  TEXT NOT NULL,
  subject TEXT NOT NULL,
  system  TEXT NOT NULL,
  code    TEXT NOT NULL,
  version INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  size    INTEGER NOT NULL,
  sealed  BLOB NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX oauth_state_subject ON oauth_state (tenant, subject, code, system);
CREATE INDEX oauth_state_client ON oauth_state (tenant, client, size);
