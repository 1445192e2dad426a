-- Whom a subject of another identity provider is here, as an administrator said.
CREATE TABLE oauth_link (
  tenant    text COLLATE "C" NOT NULL,
  issuer    text COLLATE "C" NOT NULL,
  subject   text COLLATE "C" NOT NULL,
  principal text COLLATE "C" NOT NULL,
  created   bigint NOT NULL,
  PRIMARY KEY (tenant, issuer, subject)
);
