-- What studies, series and instances (uid) hold of attributes that have no
-- column: extra ones that the server was told to index (path is their tags,
-- divided by dots), the component groups of names (=tag) and their words (=tag~).
CREATE TABLE dicom_value (
  tenant smallint NOT NULL,
  path   text COLLATE "C" NOT NULL,
  value  text COLLATE "C" NOT NULL,
  uid    text COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant, path, value, uid)
);
CREATE INDEX dicom_value_uid ON dicom_value (tenant, uid, path, value);

-- How far the rows of a path are made for instances that were there before: up
-- to the instance at, and finished once done is 1.
CREATE TABLE dicom_index (
  tenant smallint NOT NULL,
  done   smallint NOT NULL,
  path   text COLLATE "C" NOT NULL,
  at     text COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant, path)
);
