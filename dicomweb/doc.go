// Package dicomweb is the imaging door: STOW-RS, QIDO-RS and WADO-RS.
//
//	POST /studies[/{study}]                                     STOW-RS
//	GET  /studies  /series  /instances  (and below a study, a series)   QIDO-RS
//	GET  /studies/{study}[/series/{series}[/instances/{instance}]]      WADO-RS
//	GET  /wado?requestType=WADO&studyUID=…                              WADO-URI
//	DELETE /studies/{study}[/series/{series}[/instances/{instance}]]    where the operator permits it
//	GET  /changefeed?since={sequence}                                   what became of the images in reach
//	POST … /send?peer={title}   POST /pull?peer={title}&study=          to and from another system (C-STORE, C-MOVE, STOW-RS, WADO-RS)
//	POST /documents?document=&study=   POST {instance}/document         a document of the record as an instance, and back
//	POST … /deidentify                                                  a de-identified copy, under a key that the caller holds
//	… /workitems …   GET /subscribers/{title} (websocket)               UPS-RS
//	OPTIONS, GET /                                                      capabilities
//	GET  /quarantine   POST /quarantine/{id}/release|reject             what nobody is known for
//	GET  /rejections   POST /rejections/{id}/revoke                     what a rejection note hides (IOCM)
//	POST /studies/{study}/correct   GET /corrections[/{id}]              patient and study data put right; the files as they were
//	     … /metadata   … /frames/{list}   … /bulkdata/{path}   … /rendered   … /thumbnail
//
// What arrives is stored as it came, in the blob store; dicom reads it on the
// way for the index rows, the DICOM JSON and the table of frames, and answers
// are made of those without reading a file again. Rows and the version of the
// ImagingStudy go through record in one unit, so that the gates of a case and
// the audit hold for images as for any resource.
//
//	part → tokenise → admit → stage → … → sync → unit (rows + ImagingStudy) → outcome
//
// STOW-RS also takes metadata in the DICOM JSON model with bulk data beside them;
// each data set is written as a file and goes the same way.
//
// An instance belongs to a Patient. Its Patient ID (0010,0020) must be an
// identifier of one Patient that the caller reaches, or the request names the
// Patient, and the case, itself (our extension):
//
//	POST /studies?patient=Patient/123&task=Task/456
//
// Every read carries the reach of the caller; out of reach reads as absent.
// Pictures, and files and frames in another transfer syntax, are made on demand
// from the stored bytes, which never change
// (package pixel decodes). The door knows no SQL.
//
// https://dicom.nema.org/medical/dicom/current/output/html/part18.html
package dicomweb
