-- How far the making of index rows is, for resources that are there already:
-- of all of them (index) or of a search parameter. at is the row number up to
-- which all is done; holder works on it, and nobody else before until.
CREATE TABLE reindex (
  tenant    INTEGER NOT NULL,
  subject   TEXT NOT NULL,
  version   INTEGER NOT NULL,
  signature INTEGER NOT NULL,
  at        INTEGER NOT NULL,
  done      INTEGER NOT NULL,
  total     INTEGER NOT NULL,
  started   INTEGER NOT NULL,
  changed   INTEGER NOT NULL,
  finished  INTEGER NOT NULL,
  until     INTEGER NOT NULL,
  holder    TEXT NOT NULL,
  failure   TEXT NOT NULL,
  PRIMARY KEY (tenant, subject)
) STRICT, WITHOUT ROWID;
