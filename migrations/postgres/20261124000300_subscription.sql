-- Subscriptions: where the feed of sequenced versions stands, what is asked for,
-- the events of each subscription, and the secrets of their channels.

-- A server that matches holds the feed until a moment; position is the index of
-- the first leaf of the log that has not been matched.
CREATE TABLE feed (
  position bigint NOT NULL,
  held     bigint NOT NULL,
  tenant   smallint PRIMARY KEY,
  holder   text COLLATE "C" NOT NULL
);

-- body is the resource as the subscriber last wrote it, version its version.
-- shown is the status that the resource says. Events up to last exist, those up
-- to delivered are told. due is when there is something to send, leased until
-- when a server is sending it; failing is since when the endpoint fails, 0 not.
CREATE TABLE subscription (
  version    bigint NOT NULL,
  last       bigint NOT NULL,
  delivered  bigint NOT NULL,
  due        bigint NOT NULL,
  leased     bigint NOT NULL,
  failing    bigint NOT NULL,
  attempts   integer NOT NULL,
  tenant     smallint NOT NULL,
  id         text COLLATE "C" NOT NULL,
  subscriber text COLLATE "C" NOT NULL,
  status     text COLLATE "C" NOT NULL,
  shown      text COLLATE "C" NOT NULL,
  reason     text COLLATE "C" NOT NULL,
  body       bytea NOT NULL,
  PRIMARY KEY (tenant, id)
);
CREATE INDEX subscription_due ON subscription (due, id);

-- change: 1 create, 2 update, 4 delete.
CREATE TABLE subscription_event (
  number       bigint NOT NULL,
  at           bigint NOT NULL,
  version      bigint NOT NULL,
  change       smallint NOT NULL,
  tenant       smallint NOT NULL,
  subscription text COLLATE "C" NOT NULL,
  type         text COLLATE "C" NOT NULL,
  id           text COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant, subscription, number)
);
CREATE INDEX subscription_event_at ON subscription_event (at);

-- Values of the headers of channels, sealed, and tokens to bind a websocket.
CREATE TABLE subscription_secret (
  created      bigint NOT NULL,
  tenant       text COLLATE "C" NOT NULL,
  id           text COLLATE "C" PRIMARY KEY,
  subscription text COLLATE "C" NOT NULL,
  sealed       bytea NOT NULL
);

CREATE TABLE binding_token (
  expires       bigint NOT NULL,
  tenant        text COLLATE "C" NOT NULL,
  hash          bytea PRIMARY KEY,
  principal     text COLLATE "C" NOT NULL,
  subscriptions text COLLATE "C" NOT NULL
);
