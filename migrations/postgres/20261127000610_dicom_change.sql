-- What a version of an ImagingStudy (ref) changed of the stored instances, coded
-- by the DICOMweb door; its place in the change feed is that of the version in
-- the log.
CREATE TABLE dicom_change (
  tenant smallint NOT NULL,
  ref    text COLLATE "C" NOT NULL,
  body   bytea NOT NULL,
  PRIMARY KEY (tenant, ref)
);
