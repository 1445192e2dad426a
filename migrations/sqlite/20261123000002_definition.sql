-- Definitions that come by the package and not one by one, and code systems
-- that are too large for a resource. What is not ready is being loaded, or was
-- left by a load that broke off; it is in force for nobody. A key is never
-- given twice: servers know by it what they have read.

CREATE TABLE package (
  key          INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant       INTEGER NOT NULL,
  added        INTEGER NOT NULL,
  resources    INTEGER NOT NULL,
  ready        INTEGER NOT NULL,
  name         TEXT NOT NULL,
  version      TEXT NOT NULL,
  title        TEXT NOT NULL,
  dependencies TEXT NOT NULL
) STRICT;
CREATE INDEX package_ready ON package (tenant, ready, key);
CREATE UNIQUE INDEX package_name ON package (tenant, name, version) WHERE ready = 1;

-- What a definition says of itself, so that a library needs no body to know it;
-- body is compressed (zstd).
CREATE TABLE package_resource (
  package    INTEGER NOT NULL,
  seq        INTEGER NOT NULL,
  type       TEXT NOT NULL,
  url        TEXT NOT NULL,
  version    TEXT NOT NULL,
  id         TEXT NOT NULL,
  name       TEXT NOT NULL,
  status     TEXT NOT NULL,
  of_type    TEXT NOT NULL,
  derivation TEXT NOT NULL,
  kind       TEXT NOT NULL,
  body       BLOB NOT NULL,
  PRIMARY KEY (package, seq)
) STRICT;

CREATE TABLE code_system (
  key      INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant   INTEGER NOT NULL,
  added    INTEGER NOT NULL,
  concepts INTEGER NOT NULL,
  ready    INTEGER NOT NULL,
  url      TEXT NOT NULL,
  version  TEXT NOT NULL
) STRICT;
CREATE INDEX code_system_ready ON code_system (tenant, ready, key);
CREATE UNIQUE INDEX code_system_url ON code_system (tenant, url, version) WHERE ready = 1;

-- Concepts in the order of import, a thousand to a row, compressed (zstd).
CREATE TABLE concept_chunk (
  code_system INTEGER NOT NULL,
  seq         INTEGER NOT NULL,
  body        BLOB NOT NULL,
  PRIMARY KEY (code_system, seq)
) STRICT;
