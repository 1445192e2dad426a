-- Tokens and signing keys.

CREATE TABLE access_token (
  issued    bigint NOT NULL,
  expires   bigint NOT NULL,
  revoked   smallint NOT NULL,
  hash      bytea PRIMARY KEY,
  principal text COLLATE "C" NOT NULL,
  tenant    text COLLATE "C" NOT NULL,
  note      text COLLATE "C" NOT NULL
);

CREATE TABLE signer (
  created     bigint NOT NULL,
  failures    integer NOT NULL,
  principal   text COLLATE "C" PRIMARY KEY,
  certificate bytea NOT NULL,
  sealed      bytea NOT NULL
);
