-- What others say of the log: time stamps and cosignatures of checkpoints.

CREATE TABLE anchor (
  size  bigint NOT NULL,
  at    bigint NOT NULL,
  kind  text COLLATE "C" NOT NULL,
  name  text COLLATE "C" NOT NULL,
  note  bytea NOT NULL,
  token bytea NOT NULL,
  PRIMARY KEY (kind, name, size)
);

-- A person's own certificate, issued by somebody else, and those between it and
-- its root, DER one after the other. Then `certificate` is the binding of its key
-- to the principal, and `sealed` is empty: the key is not here.

ALTER TABLE signer ADD COLUMN chain bytea NOT NULL DEFAULT ''::bytea;
