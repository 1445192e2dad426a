-- Work items of the Unified Procedure Step service. Each has a Task (resource), on
-- which reach is judged; body is the data set, coded by the DICOMweb door.
CREATE TABLE dicom_workitem (
  tenant      INTEGER NOT NULL,
  uid         TEXT NOT NULL,
  resource    TEXT NOT NULL,
  patient     TEXT NOT NULL,
  state       TEXT NOT NULL,
  scheduled   TEXT NOT NULL,
  transaction_uid TEXT NOT NULL,
  body        BLOB NOT NULL,
  PRIMARY KEY (tenant, uid)
) STRICT, WITHOUT ROWID;
CREATE INDEX dicom_workitem_resource ON dicom_workitem (tenant, resource);
CREATE INDEX dicom_workitem_scheduled ON dicom_workitem (tenant, scheduled, uid);

-- Who is told of work items: of one, of all (the global UIDs), under an AE title
-- that is the principal's own.
CREATE TABLE dicom_subscriber (
  tenant    INTEGER NOT NULL,
  locked    INTEGER NOT NULL,
  principal TEXT NOT NULL,
  title     TEXT NOT NULL,
  workitem  TEXT NOT NULL,
  filter    TEXT NOT NULL,
  PRIMARY KEY (tenant, principal, title, workitem)
) STRICT, WITHOUT ROWID;
