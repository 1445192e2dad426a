-- Apps that may ask for tokens, and what was granted to them. body is JSON.
CREATE TABLE oauth_client (
  tenant text COLLATE "C" NOT NULL,
  id     text COLLATE "C" NOT NULL,
  body   text NOT NULL,
  PRIMARY KEY (tenant, id)
);

CREATE TABLE oauth_grant (
  id        text COLLATE "C" PRIMARY KEY,
  tenant    text COLLATE "C" NOT NULL,
  client    text COLLATE "C" NOT NULL,
  principal text COLLATE "C" NOT NULL,
  created   bigint NOT NULL,
  expires   bigint NOT NULL,
  revoked   bigint NOT NULL,
  body      text NOT NULL
);
CREATE INDEX oauth_grant_principal ON oauth_grant (tenant, principal);
CREATE INDEX oauth_grant_expires ON oauth_grant (expires);

-- Secrets that are good once or for a while: codes, refresh tokens, launches,
-- sessions, numbers of assertions. used is when one was used up, 0: not yet.
CREATE TABLE oauth_slip (
  kind     text COLLATE "C" NOT NULL,
  hash     bytea NOT NULL,
  grant_id text COLLATE "C" NOT NULL,
  expires  bigint NOT NULL,
  used     bigint NOT NULL,
  body     text NOT NULL,
  PRIMARY KEY (kind, hash)
);
CREATE INDEX oauth_slip_expires ON oauth_slip (expires);

-- Names that people sign in with. failures counts wrong passwords in a row.
CREATE TABLE oauth_login (
  tenant    text COLLATE "C" NOT NULL,
  name      text COLLATE "C" NOT NULL,
  principal text COLLATE "C" NOT NULL,
  hash      text COLLATE "C" NOT NULL,
  failures  bigint NOT NULL,
  locked    bigint NOT NULL,
  PRIMARY KEY (tenant, name)
);

-- What a token of an app may do; '' for a token without an app.
ALTER TABLE access_token ADD COLUMN grant_id text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE access_token ADD COLUMN scope text COLLATE "C" NOT NULL DEFAULT '';
