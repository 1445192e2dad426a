-- Instances whose patient nobody here could tell: kept apart (held) until a person
-- releases them to a patient, or rejects them. body is the rest of the row as JSON.
CREATE TABLE dicom_quarantine (
  tenant       INTEGER NOT NULL,
  received     INTEGER NOT NULL,
  id           TEXT NOT NULL,
  state        TEXT NOT NULL,
  organization TEXT NOT NULL,
  digest       BLOB NOT NULL,
  body         TEXT NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX dicom_quarantine_list ON dicom_quarantine (tenant, state, organization, received, id);
CREATE INDEX dicom_quarantine_digest ON dicom_quarantine (tenant, digest);

-- Which resources name a content: asked before one is given up.
CREATE INDEX resource_blob ON resource (tenant, blob) WHERE blob <> '';
CREATE INDEX history_blob ON history (tenant, blob) WHERE blob <> '';
