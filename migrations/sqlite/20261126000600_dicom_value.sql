-- What studies, series and instances (uid) hold of attributes that have no
-- column: extra ones that the server was told to index (path is their tags,
-- divided by dots), the component groups of names (=tag) and their words (=tag~).
CREATE TABLE dicom_value (
  tenant INTEGER NOT NULL,
  path   TEXT NOT NULL,
  value  TEXT NOT NULL,
  uid    TEXT NOT NULL,
  PRIMARY KEY (tenant, path, value, uid)
) STRICT, WITHOUT ROWID;
CREATE INDEX dicom_value_uid ON dicom_value (tenant, uid, path, value);

-- How far the rows of a path are made for instances that were there before: up
-- to the instance at, and finished once done is 1.
CREATE TABLE dicom_index (
  tenant INTEGER NOT NULL,
  path   TEXT NOT NULL,
  at     TEXT NOT NULL,
  done   INTEGER NOT NULL,
  PRIMARY KEY (tenant, path)
) STRICT, WITHOUT ROWID;
