-- Studies that a DIMSE peer was told to send here for a patient and a case: while the
-- pull goes on, what arrives of them, at whichever server, is judged as if its sender
-- had named both. A row counts until its time (Unix, milliseconds); its puller renews it.
CREATE TABLE dicom_awaited (
  tenant  INTEGER NOT NULL,
  study   TEXT NOT NULL,
  pull    TEXT NOT NULL,
  patient TEXT NOT NULL,
  task    TEXT NOT NULL,
  until   INTEGER NOT NULL,
  PRIMARY KEY (tenant, study)
) STRICT, WITHOUT ROWID;
