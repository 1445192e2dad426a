-- Instances whose patient nobody here could tell: kept apart (held) until a person
-- releases them to a patient, or rejects them. body is the rest of the row as JSON.
CREATE TABLE dicom_quarantine (
  tenant       smallint NOT NULL,
  received     bigint NOT NULL,
  id           text COLLATE "C" NOT NULL,
  state        text COLLATE "C" NOT NULL,
  organization text COLLATE "C" NOT NULL,
  digest       bytea NOT NULL,
  body         text COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant, id)
);
CREATE INDEX dicom_quarantine_list ON dicom_quarantine (tenant, state, organization, received, id);
CREATE INDEX dicom_quarantine_digest ON dicom_quarantine (tenant, digest);

-- Which resources name a content: asked before one is given up.
CREATE INDEX resource_blob ON resource (tenant, blob) WHERE blob <> '';
CREATE INDEX history_blob ON history (tenant, blob) WHERE blob <> '';
