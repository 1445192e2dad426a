-- The second factor of a person (RFC 6238): the shared secret, sealed; step is the
-- last one that was used. Codes that help without it are kept as SHA-256, each
-- until it is used.
CREATE TABLE oauth_factor (
  tenant    text COLLATE "C" NOT NULL,
  principal text COLLATE "C" NOT NULL,
  sealed    bytea NOT NULL,
  step      bigint NOT NULL,
  created   bigint NOT NULL,
  PRIMARY KEY (tenant, principal)
);

CREATE TABLE oauth_recovery (
  tenant    text COLLATE "C" NOT NULL,
  principal text COLLATE "C" NOT NULL,
  hash      bytea NOT NULL,
  PRIMARY KEY (tenant, principal, hash)
);
