-- Studies that a DIMSE peer was told to send here for a patient and a case: while the
-- pull goes on, what arrives of them, at whichever server, is judged as if its sender
-- had named both. A row counts until its time (Unix, milliseconds); its puller renews it.
CREATE TABLE dicom_awaited (
  tenant  smallint NOT NULL,
  study   text COLLATE "C" NOT NULL,
  pull    text COLLATE "C" NOT NULL,
  patient text COLLATE "C" NOT NULL,
  task    text COLLATE "C" NOT NULL,
  until   bigint NOT NULL,
  PRIMARY KEY (tenant, study)
);
