-- Work items of the Unified Procedure Step service. Each has a Task (resource), on
-- which reach is judged; body is the data set, coded by the DICOMweb door.
CREATE TABLE dicom_workitem (
  tenant      smallint NOT NULL,
  uid         text COLLATE "C" NOT NULL,
  resource    text COLLATE "C" NOT NULL,
  patient     text COLLATE "C" NOT NULL,
  state       text COLLATE "C" NOT NULL,
  scheduled   text COLLATE "C" NOT NULL,
  transaction_uid text COLLATE "C" NOT NULL,
  body        bytea NOT NULL,
  PRIMARY KEY (tenant, uid)
);
CREATE INDEX dicom_workitem_resource ON dicom_workitem (tenant, resource);
CREATE INDEX dicom_workitem_scheduled ON dicom_workitem (tenant, scheduled, uid);

-- Who is told of work items: of one, of all (the global UIDs), under an AE title
-- that is the principal's own.
CREATE TABLE dicom_subscriber (
  tenant    smallint NOT NULL,
  locked    smallint NOT NULL,
  principal text COLLATE "C" NOT NULL,
  title     text COLLATE "C" NOT NULL,
  workitem  text COLLATE "C" NOT NULL,
  filter    text COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant, principal, title, workitem)
);
