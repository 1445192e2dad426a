-- What others say of the log: time stamps and cosignatures of checkpoints.

CREATE TABLE anchor (
  kind  TEXT NOT NULL,
  name  TEXT NOT NULL,
  size  INTEGER NOT NULL,
  at    INTEGER NOT NULL,
  note  BLOB NOT NULL,
  token BLOB NOT NULL,
  PRIMARY KEY (kind, name, size)
) STRICT, WITHOUT ROWID;
