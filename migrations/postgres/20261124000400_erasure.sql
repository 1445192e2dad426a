-- What was erased for good: the reference of a version (Type/id/_history/n) or of
-- a content (sha-256/hex), and the version of the Binary that certifies it.
CREATE TABLE erasure (
  tenant      smallint NOT NULL,
  ref         text COLLATE "C" NOT NULL,
  certificate text COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant, ref)
);
