-- DICOM application entities that may call over DIMSE, or be called. body is JSON.
CREATE TABLE dicom_peer (
  tenant text COLLATE "C" NOT NULL,
  title  text COLLATE "C" NOT NULL,
  body   text NOT NULL,
  PRIMARY KEY (tenant, title)
);
