-- Who is signed in in which browser: hash is the SHA-256 of its cookie, which
-- changes each time that the person shows anew who it is; shown is when that was,
-- methods how. ended is when it was signed out, 0: not yet.
CREATE TABLE oauth_session (
  id        text COLLATE "C" PRIMARY KEY,
  tenant    text COLLATE "C" NOT NULL,
  principal text COLLATE "C" NOT NULL,
  hash      bytea NOT NULL UNIQUE,
  started   bigint NOT NULL,
  shown     bigint NOT NULL,
  methods   text NOT NULL,
  seen      bigint NOT NULL,
  expires   bigint NOT NULL,
  ended     bigint NOT NULL,
  agent     text NOT NULL,
  address   text NOT NULL
);
CREATE INDEX oauth_session_principal ON oauth_session (tenant, principal);
CREATE INDEX oauth_session_expires ON oauth_session (expires);

-- How often something was tried in a window that began at since.
CREATE TABLE oauth_attempt (
  key   text COLLATE "C" PRIMARY KEY,
  since bigint NOT NULL,
  count bigint NOT NULL
);
CREATE INDEX oauth_attempt_since ON oauth_attempt (since);

-- When the holder of a token without an app last showed a second factor.
ALTER TABLE access_token ADD COLUMN second bigint NOT NULL DEFAULT 0;
