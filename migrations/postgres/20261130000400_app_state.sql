-- What apps keep here for themselves (SMART App State): a Basic, sealed. subject is
-- "Type/id", '' for what is about nobody.
CREATE TABLE oauth_state (
  tenant  text COLLATE "C" NOT NULL,
  id      text COLLATE "C" NOT NULL,
  client  text COLLATE "C" NOT NULL,
  subject text COLLATE "C" NOT NULL,
  system  text COLLATE "C" NOT NULL,
  code    text COLLATE "C" NOT NULL,
  version bigint NOT NULL,
  updated bigint NOT NULL,
  size    bigint NOT NULL,
  sealed  bytea NOT NULL,
  PRIMARY KEY (tenant, id)
);
CREATE INDEX oauth_state_subject ON oauth_state (tenant, subject, code, system);
CREATE INDEX oauth_state_client ON oauth_state (tenant, client, size);
