-- Subscriptions: where the feed of sequenced versions stands, what is asked for,
-- and the events of each subscription.

-- A server that matches holds the feed until a moment; position is the index of
-- the first leaf of the log that has not been matched.
CREATE TABLE feed (
  tenant   INTEGER NOT NULL,
  position INTEGER NOT NULL,
  held     INTEGER NOT NULL,
  holder   TEXT NOT NULL,
  PRIMARY KEY (tenant)
) STRICT, WITHOUT ROWID;

-- body is the resource as the subscriber last wrote it, version its version.
-- shown is the status that the resource says. Events up to last exist, those up
-- to delivered are told. due is when there is something to send, leased until
-- when a server is sending it; failing is since when the endpoint fails, 0 not.
CREATE TABLE subscription (
  tenant     INTEGER NOT NULL,
  version    INTEGER NOT NULL,
  last       INTEGER NOT NULL,
  delivered  INTEGER NOT NULL,
  due        INTEGER NOT NULL,
  leased     INTEGER NOT NULL,
  failing    INTEGER NOT NULL,
  attempts   INTEGER NOT NULL,
  id         TEXT NOT NULL,
  subscriber TEXT NOT NULL,
  status     TEXT NOT NULL,
  shown      TEXT NOT NULL,
  reason     TEXT NOT NULL,
  body       BLOB NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT;
CREATE INDEX subscription_due ON subscription (due, id);

-- change: 1 create, 2 update, 4 delete.
CREATE TABLE subscription_event (
  tenant       INTEGER NOT NULL,
  subscription TEXT NOT NULL,
  number       INTEGER NOT NULL,
  at           INTEGER NOT NULL,
  version      INTEGER NOT NULL,
  change       INTEGER NOT NULL,
  type         TEXT NOT NULL,
  id           TEXT NOT NULL,
  PRIMARY KEY (tenant, subscription, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX subscription_event_at ON subscription_event (at);
