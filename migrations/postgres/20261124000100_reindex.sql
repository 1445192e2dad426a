-- How far the making of index rows is, for resources that are there already:
-- of all of them (index) or of a search parameter. at is the row number up to
-- which all is done; holder works on it, and nobody else before until.
CREATE TABLE reindex (
  version   bigint NOT NULL,
  signature bigint NOT NULL,
  at        bigint NOT NULL,
  done      bigint NOT NULL,
  total     bigint NOT NULL,
  started   bigint NOT NULL,
  changed   bigint NOT NULL,
  finished  bigint NOT NULL,
  until     bigint NOT NULL,
  tenant    smallint NOT NULL,
  subject   text COLLATE "C" NOT NULL,
  holder    text COLLATE "C" NOT NULL,
  failure   text COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant, subject)
);
