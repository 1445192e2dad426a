// Package index says what the DICOM index holds and how it is asked: the rows
// of studies, series and instances, the attributes that QIDO-RS matches and
// returns, the query, and the Store that answers it.
//
// The rows of one STOW unit travel in record.Unit.Rows as []any of *Study,
// *Series and *Instance, in the same transaction as the version of the
// ImagingStudy that lists them. It is pure: it performs no I/O, renders no SQL
// and knows no HTTP.
//
// How the store keeps them (one table a level, one for names):
//
//	dicom_study    key (tenant, uid)        reach is judged on ImagingStudy/Resource
//	dicom_series   key (tenant, uid)        belongs to one study
//	dicom_instance key (tenant, uid)        belongs to one series
//	dicom_name     (tenant, folded, study)  one row for each Study.Names: PatientName matches here
//
// Columns of attributes and their values come from Attributes: Field gives a
// pointer that a driver can both bind and scan into. The other columns are:
//
//	dicom_study     tenant, resource, patient
//	dicom_series    tenant, study
//	dicom_instance  tenant, study, series, digest, size, pixel_offset, pixel_length,
//	                deflated, frame_table, bulk_table, metadata
package index
