-- Tokens and signing keys, in a file of their own.

CREATE TABLE access_token (
  hash      BLOB PRIMARY KEY,
  principal TEXT NOT NULL,
  tenant    TEXT NOT NULL,
  issued    INTEGER NOT NULL,
  expires   INTEGER NOT NULL,
  revoked   INTEGER NOT NULL,
  note      TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE signer (
  principal   TEXT PRIMARY KEY,
  certificate BLOB NOT NULL,
  sealed      BLOB NOT NULL,
  created     INTEGER NOT NULL,
  failures    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
