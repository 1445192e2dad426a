-- Composite search parameters: the rows of one group (rid, grp) come from one
-- element. code is a code or unit, norm a text or the target of a reference, rest
-- what follows the text or the type of the target.
CREATE TABLE group_row (
  rid       bigint NOT NULL,
  system    bigint NOT NULL,
  since     bigint NOT NULL,
  until     bigint NOT NULL,
  low       double precision NOT NULL,
  high      double precision NOT NULL,
  key       integer NOT NULL,
  grp       integer NOT NULL,
  tenant    smallint NOT NULL,
  canonical smallint NOT NULL,
  code      text COLLATE "C" NOT NULL,
  norm      text COLLATE "C" NOT NULL,
  rest      text COLLATE "C" NOT NULL
);
CREATE INDEX group_resource ON group_row (rid, key, grp);
CREATE INDEX group_code ON group_row (tenant, key, code, rid);
