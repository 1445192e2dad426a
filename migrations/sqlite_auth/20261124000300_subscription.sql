-- Values of the headers of channels, sealed, and tokens to bind a websocket.
CREATE TABLE subscription_secret (
  id           TEXT PRIMARY KEY,
  tenant       TEXT NOT NULL,
  subscription TEXT NOT NULL,
  created      INTEGER NOT NULL,
  sealed       BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE binding_token (
  hash          BLOB PRIMARY KEY,
  tenant        TEXT NOT NULL,
  principal     TEXT NOT NULL,
  subscriptions TEXT NOT NULL,
  expires       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
