-- Key pairs of people's authenticators (WebAuthn): the public key in DER, how often
-- it has signed, and whether it may be on several machines.
CREATE TABLE oauth_passkey (
  tenant    TEXT NOT NULL,
  id        BLOB NOT NULL,
  principal TEXT NOT NULL,
  key       BLOB NOT NULL,
  counter   INTEGER NOT NULL,
  movable   INTEGER NOT NULL,
  name      TEXT NOT NULL,
  created   INTEGER NOT NULL,
  used      INTEGER NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX oauth_passkey_principal ON oauth_passkey (tenant, principal);
