-- DICOM application entities that may call over DIMSE, or be called. body is JSON.
CREATE TABLE dicom_peer (
  tenant TEXT NOT NULL,
  title  TEXT NOT NULL,
  body   TEXT NOT NULL,
  PRIMARY KEY (tenant, title)
) STRICT, WITHOUT ROWID;
