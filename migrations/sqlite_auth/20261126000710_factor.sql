-- The second factor of a person (RFC 6238): the shared secret, sealed; step is the
-- last one that was used. Codes that help without it are kept as SHA-256, each
-- until it is used.
CREATE TABLE oauth_factor (
  tenant    TEXT NOT NULL,
  principal TEXT NOT NULL,
  sealed    BLOB NOT NULL,
  step      INTEGER NOT NULL,
  created   INTEGER NOT NULL,
  PRIMARY KEY (tenant, principal)
) STRICT, WITHOUT ROWID;

CREATE TABLE oauth_recovery (
  tenant    TEXT NOT NULL,
  principal TEXT NOT NULL,
  hash      BLOB NOT NULL,
  PRIMARY KEY (tenant, principal, hash)
) STRICT, WITHOUT ROWID;
