-- Key pairs of people's authenticators (WebAuthn): the public key in DER, how often
-- it has signed, and whether it may be on several machines.
CREATE TABLE oauth_passkey (
  tenant    text COLLATE "C" NOT NULL,
  id        bytea NOT NULL,
  principal text COLLATE "C" NOT NULL,
  key       bytea NOT NULL,
  counter   bigint NOT NULL,
  movable   bigint NOT NULL,
  name      text NOT NULL,
  created   bigint NOT NULL,
  used      bigint NOT NULL,
  PRIMARY KEY (tenant, id)
);
CREATE INDEX oauth_passkey_principal ON oauth_passkey (tenant, principal);
