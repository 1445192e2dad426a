-- Composite search parameters: the rows of one group (rid, grp) come from one
-- element. code is a code or unit, norm a text or the target of a reference, rest
-- what follows the text or the type of the target.
CREATE TABLE group_row (
  rid       INTEGER NOT NULL,
  key       INTEGER NOT NULL,
  grp       INTEGER NOT NULL,
  canonical INTEGER NOT NULL,
  system    INTEGER NOT NULL,
  since     INTEGER NOT NULL,
  until     INTEGER NOT NULL,
  low       REAL NOT NULL,
  high      REAL NOT NULL,
  code      TEXT NOT NULL,
  norm      TEXT NOT NULL,
  rest      TEXT NOT NULL,
  tenant    INTEGER NOT NULL
) STRICT;
CREATE INDEX group_resource ON group_row (rid, key, grp);
CREATE INDEX group_code ON group_row (tenant, key, code, rid);
