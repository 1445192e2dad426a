-- Whom a subject of another identity provider is here, as an administrator said.
CREATE TABLE oauth_link (
  tenant    TEXT NOT NULL,
  issuer    TEXT NOT NULL,
  subject   TEXT NOT NULL,
  principal TEXT NOT NULL,
  created   INTEGER NOT NULL,
  PRIMARY KEY (tenant, issuer, subject)
) STRICT, WITHOUT ROWID;
