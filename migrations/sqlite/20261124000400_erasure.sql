-- What was erased for good: the reference of a version (Type/id/_history/n) or of
-- a content (sha-256/hex), and the version of the Binary that certifies it.
CREATE TABLE erasure (
  tenant      INTEGER NOT NULL,
  ref         TEXT NOT NULL,
  certificate TEXT NOT NULL,
  PRIMARY KEY (tenant, ref)
) STRICT, WITHOUT ROWID;
