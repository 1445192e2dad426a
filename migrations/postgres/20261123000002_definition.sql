-- Definitions that come by the package and not one by one, and code systems
-- that are too large for a resource. What is not ready is being loaded, or was
-- left by a load that broke off; it is in force for nobody. A key is never
-- given twice: servers know by it what they have read.

CREATE TABLE package (
  key          bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  added        bigint NOT NULL,
  resources    bigint NOT NULL,
  tenant       smallint NOT NULL,
  ready        smallint NOT NULL,
  name         text COLLATE "C" NOT NULL,
  version      text COLLATE "C" NOT NULL,
  title        text COLLATE "C" NOT NULL,
  dependencies text COLLATE "C" NOT NULL
);
CREATE INDEX package_ready ON package (tenant, ready, key);
CREATE UNIQUE INDEX package_name ON package (tenant, name, version) WHERE ready = 1;

-- What a definition says of itself, so that a library needs no body to know it;
-- body is compressed (zstd).
CREATE TABLE package_resource (
  package    bigint NOT NULL,
  seq        bigint NOT NULL,
  type       text COLLATE "C" NOT NULL,
  url        text COLLATE "C" NOT NULL,
  version    text COLLATE "C" NOT NULL,
  id         text COLLATE "C" NOT NULL,
  name       text COLLATE "C" NOT NULL,
  status     text COLLATE "C" NOT NULL,
  of_type    text COLLATE "C" NOT NULL,
  derivation text COLLATE "C" NOT NULL,
  kind       text COLLATE "C" NOT NULL,
  body       bytea NOT NULL,
  PRIMARY KEY (package, seq)
);
ALTER TABLE package_resource ALTER body SET STORAGE EXTERNAL;

CREATE TABLE code_system (
  key      bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  added    bigint NOT NULL,
  concepts bigint NOT NULL,
  tenant   smallint NOT NULL,
  ready    smallint NOT NULL,
  url      text COLLATE "C" NOT NULL,
  version  text COLLATE "C" NOT NULL
);
CREATE INDEX code_system_ready ON code_system (tenant, ready, key);
CREATE UNIQUE INDEX code_system_url ON code_system (tenant, url, version) WHERE ready = 1;

-- Concepts in the order of import, a thousand to a row, compressed (zstd).
CREATE TABLE concept_chunk (
  code_system bigint NOT NULL,
  seq         bigint NOT NULL,
  body        bytea NOT NULL,
  PRIMARY KEY (code_system, seq)
);
ALTER TABLE concept_chunk ALTER body SET STORAGE EXTERNAL;
